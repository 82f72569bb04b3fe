"""Vouchers, experts' PINs, bounds, hours and the lines' numbers from a terminal."""

import asyncio
import csv
import io
import json
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from billing.accounts import codes
from billing.catalogue.errors import InvalidHours
from billing.catalogue.values import OpenHours
from primeline.cli import app
from primeline.commands.weekly import read_hours
from tests.database.world import World

KEY = "a key of the tests, long enough to be one"


@pytest.fixture(autouse=True)
def _settings(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", fresh_database)
    monkeypatch.setenv("PRIMELINE_SECRET_KEY", KEY)
    monkeypatch.setenv("COLUMNS", "200")


async def run(*words: str) -> Result:
    # A command runs its own event loop, so it needs a thread of its own.
    return await asyncio.to_thread(CliRunner().invoke, app, list(words))


async def answer(*words: str) -> Any:
    result = await run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.usefixtures("world")
async def test_a_batch_is_printed_once_listed_without_codes_and_voided(world: World) -> None:
    made = await run("voucher", "batch", "--count", "3", "--amount", "10.00", "--note", "shop")
    rows = list(csv.DictReader(io.StringIO(made.stdout)))
    assert len({row["code"] for row in rows}) == 3
    assert all(codes.read(row["code"]) for row in rows)
    assert {(row["amount"], row["currency"]) for row in rows} == {("10.00", "EUR")}
    (listed,) = await answer("voucher", "list")
    assert (listed["vouchers"], listed["redeemed"], listed["note"]) == (3, 0, "shop")
    assert listed["key_fits"] is True
    assert await answer("voucher", "void", rows[0]["batch"]) == {"voided": 3}
    async with world.sessions() as s:
        audits = await s.scalars(text("SELECT t::text FROM audit_entries t"))
        written = " ".join(audits)
    assert "voucher-batch" in written
    for row in rows:
        assert row["code"] not in written
        assert row["code"].replace(" ", "") not in written


@pytest.mark.usefixtures("world")
async def test_an_experts_pin_bounds_hours_and_hour_are_set_and_audited(world: World) -> None:
    assert len((await answer("expert", "pin", "11"))["pin"]) == 6
    for words in (
        ("expert", "unlock", "11"),
        ("expert", "bounds", "11", "--least", "0.80", "--most", "2.50"),
        ("expert", "hours", "11", "mon 09:00-12:00", "--time-zone", "Europe/London"),
        ("expert", "presence", "11", "available", "--until", "18:30"),
    ):
        result = await run(*words)
        assert result.exit_code == 0, result.output
    shown = await answer("expert", "show", "11")
    assert shown["until"].endswith("18:30:00+00:00")
    refused = await run("expert", "bounds", "11", "--least", "0.80")
    assert refused.exit_code == 1
    async with world.sessions() as s:
        rows = await s.execute(text("SELECT action, detail FROM audit_entries"))
    details = {row.action: row.detail for row in rows}
    assert details.keys() >= {"pin-set", "price-bounds-set", "hours-set", "presence-set"}
    # So that who comes too late with an edit is told what made the later versions.
    assert details["presence-set"]["version"] == details["hours-set"]["version"] + 1
    assert details["hours-set"]["changed"]["hours"] == {"to": ["mon 09:00-12:00"]}
    assert details["presence-set"]["changed"]["presence"]["to"] == "available"


@pytest.mark.parametrize("kind", ["account-line", "expert-line"])
@pytest.mark.usefixtures("world")
async def test_a_number_is_put_to_work_as_a_line(kind: str) -> None:
    added = await answer("number", "add", "+33199001240", "--kind", kind)
    assert added["kind"] == kind


def test_hours_are_read_as_they_are_written() -> None:
    assert read_hours("Tue 09:30-24:00") == OpenHours(1, 570, 1_440)
    for wrong in ("tue", "xyz 09:00-10:00", "tue 9-10"):
        with pytest.raises(InvalidHours):
            read_hours(wrong)
