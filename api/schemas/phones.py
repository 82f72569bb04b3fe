"""Phones as JSON."""

from typing import Self

from pydantic import Field, model_validator

from api.schemas.base import Answer, Request
from api.schemas.experts import Endpoint
from api.schemas.numbers import E164
from billing.endpoints.values import KnownPhone


class PhoneNew(Request):
    """A phone to be given to an expert: a SIP phone, or an ordinary number that a trunk dials."""

    endpoint: Endpoint | None = Field(
        default=None, description="A SIP phone's name, given once.", examples=["ada-3"]
    )
    number: E164 | None = Field(
        default=None, description="Or an ordinary number, E.164.", examples=["+33639980017"]
    )
    trunk: Endpoint | None = Field(
        default=None, description="With a number: the trunk that dials it.", examples=["carrier"]
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.endpoint is None) == (self.number is None):
            raise ValueError("give either endpoint or number")
        if (self.number is None) != (self.trunk is None):
            raise ValueError("trunk belongs to a number")
        return self


class SipPhoneNew(Request):
    """A SIP phone that is no expert's: a caller's, or the office's."""

    endpoint: Endpoint = Field(description="Its name, given once.", examples=["cleo"])
    number: E164 | None = Field(
        default=None,
        description="The caller id of its own calls, E.164: a caller's number makes it his; null:"
        " none.",
        examples=["+33639980001"],
    )


class Order(Request):
    """An expert's phones in the order they shall ring."""

    phones: list[str] = Field(
        description="All of them, SIP phones by name and ordinary numbers in E.164.",
        min_length=1,
        max_length=20,
        examples=[["ada-2", "ada"]],
    )


class Phone(Answer):
    """A SIP phone."""

    endpoint: str = Field(description="Its name, also its user name.", examples=["ada"])
    number: str | None = Field(
        description="The caller id of its own calls; null: it has none.",
        examples=["+33639980001"],
    )
    has_password: bool = Field(
        description="Whether it has one: without, it can't register.", examples=[True]
    )


def shown(phone: KnownPhone) -> Phone:
    """Show a phone, without its password's hash."""
    return Phone(endpoint=phone.endpoint, number=phone.number, has_password=phone.ha1 is not None)
