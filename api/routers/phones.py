"""SIP phones, and what rings for an expert in which order."""

from typing import Annotated

from fastapi import APIRouter, Path, Response, status

from api.auth import MayManage, MayRead
from api.conditional import IfMatch, tag, tagged
from api.deps import Now, Transaction
from api.errors import referring
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.routers.experts import ExpertId
from api.schemas import phones as schema
from api.schemas.experts import Endpoint, Expert
from api.schemas.experts import shown as expert_shown
from api.schemas.numbers import E164
from api.schemas.trunks import Password
from billing.catalogue import experts, listing, phones
from billing.endpoints import service
from billing.endpoints.values import KnownPhone
from billing.kit.pages import Slice

router = APIRouter(tags=["phones"])

Name = Annotated[Endpoint, Path(description="A SIP phone's name.", examples=["ada"])]


@router.get("/phones", summary="List the SIP phones")
async def list_phones(s: Transaction, _: MayRead, paging: Paged) -> Page[schema.Phone]:
    """List all SIP phones by name, experts' and callers'."""
    (seen,) = paging.after(str) or ("",)
    later = [one for one in await service.list_phones(s) if one.endpoint > seen]
    shown = tuple(later[: paging.limit])
    after = (shown[-1].endpoint,) if len(later) > len(shown) else None
    return page_of(Slice(shown, after), schema.shown)


@router.post(
    "/phones",
    summary="Add a SIP phone that is no expert's",
    status_code=status.HTTP_201_CREATED,
    responses=problems("endpoint-taken"),
)
async def add_sip_phone(
    body: schema.SipPhoneNew, s: Transaction, actor: MayManage, at: Now
) -> schema.Phone:
    """Add a SIP phone; it registers once it has a password, which is made after it."""
    await service.claim(s, body.endpoint, number=body.number)
    await actor.record(s, "added", "phone", body.endpoint, at=at, number=body.number)
    return schema.shown(KnownPhone(body.endpoint, body.number, None))


@router.post(
    "/phones/{endpoint}/password",
    summary="Make a password for a SIP phone",
    responses=problems("phone-unknown"),
)
async def make_phone_password(
    endpoint: Name, s: Transaction, actor: MayManage, at: Now
) -> Password:
    """Make a new password, shown this once; the phone registers with it within seconds."""
    made = await service.give_password(s, endpoint)
    await actor.record(s, "password-set", "phone", endpoint, at=at)
    return Password(username=endpoint, password=made)


@router.delete(
    "/phones/{endpoint}",
    summary="Remove a SIP phone",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems("phone-unknown"),
)
async def remove_phone(endpoint: Name, s: Transaction, actor: MayManage, at: Now) -> None:
    """Take a SIP phone away from whoever has it; its name is free again."""
    await phones.remove_sip_phone(s, endpoint, at)
    await actor.record(s, "removed", "phone", endpoint, at=at)


@router.post(
    "/experts/{expert_id}/phones",
    summary="Give an expert a phone",
    status_code=status.HTTP_201_CREATED,
    responses=tagged(201)
    | problems(
        "expert-unknown", "endpoint-taken", "destination-refused", "phone-twice", "trunk-invalid"
    ),
)
async def add_phone(
    expert_id: ExpertId,
    body: schema.PhoneNew,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> Expert:
    """Give an expert a SIP phone or an ordinary number, rung after his others."""
    row = await experts.locked(s, expert_id, seen)
    before = (await listing.get_expert(s, expert_id)).endpoints
    if body.endpoint is not None:
        await phones.add_sip_phone(s, expert_id, body.endpoint)
    elif body.number is not None and body.trunk is not None:
        with referring("trunk"):
            await phones.add_ordinary_phone(s, expert_id, body.number, trunk=body.trunk)
    row.version += 1
    await s.flush()
    return await _changed(s, expert_id, before, actor, at, response)


@router.delete(
    "/experts/{expert_id}/phones/{number}",
    summary="Take an ordinary number away from an expert",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems("expert-unknown", "phone-unknown"),
)
async def remove_expert_number(
    expert_id: ExpertId,
    number: Annotated[E164, Path(description="The number, E.164.", examples=["+33639980017"])],
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> None:
    """Ring him there no more. A SIP phone is taken away by its name, under `/phones`."""
    row = await experts.locked(s, expert_id, seen)
    before = (await listing.get_expert(s, expert_id)).endpoints
    await phones.remove_ordinary_phone(s, expert_id, number, at)
    row.version += 1
    await s.flush()
    await _changed(s, expert_id, before, actor, at, response)


@router.put(
    "/experts/{expert_id}/phones",
    summary="Order an expert's phones",
    responses=tagged() | problems("expert-unknown", "phones-not-those"),
)
async def order_phones(
    expert_id: ExpertId,
    body: schema.Order,
    s: Transaction,
    actor: MayManage,
    at: Now,
    seen: IfMatch,
    response: Response,
) -> Expert:
    """Say in which order his phones ring: all of them, no other."""
    before = (await listing.get_expert(s, expert_id)).endpoints
    await experts.order_phones(s, expert_id, body.phones, expected=seen)
    return await _changed(s, expert_id, before, actor, at, response)


async def _changed(
    s: Transaction,
    expert_id: ExpertId,
    before: tuple[str, ...],
    actor: MayManage,
    at: Now,
    response: Response,
) -> Expert:
    found = expert_shown(await listing.get_expert(s, expert_id))
    if list(before) != found.phones:
        changed = {"phones": {"from": list(before), "to": found.phones}}
        await actor.edited(s, "expert", expert_id, at=at, version=found.version, changed=changed)
    tag(response, found.version)
    return found
