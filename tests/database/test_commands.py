"""The operator's commands, as they are typed."""

import asyncio
import getpass
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from billing.accounts.listing import currencies_in_use
from billing.kit.database import Sessions
from primeline.cli import app
from primeline.postgres import Postgres
from primeline.running import RUNNING_FILE, Running, announce, forget, process_began

Primeline = Callable[..., Result]


@pytest.fixture
def primeline(fresh_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Primeline:
    monkeypatch.setenv("PRIMELINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", fresh_database)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, list(words))

    return run


def made(primeline: Primeline, *words: str) -> Any:
    result = primeline(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def line(primeline: Primeline) -> Primeline:
    """A tariff, an expert, a number and a caller, made by commands."""
    made(primeline, "tariff", "add", "standard", "--price", "1.20", "--tax", "20")
    expert = ("expert", "add", "Ada", "--extension", "11", "--tariff", "standard")
    made(primeline, *expert, "--phone", "ada", "--phone", "ada-2")
    made(primeline, "number", "add", "+33 1 99 00 12 34")
    made(primeline, "caller", "add", "Cleo", "--number", "+33 6 39 98 00 01", "--pin", "4711")
    return primeline


def test_what_was_added_is_listed_and_shown(line: Primeline) -> None:
    (tariff,) = made(line, "tariff", "list")
    assert tariff["price_per_minute"] == {"amount": "1.2000", "currency": "EUR"}
    assert tariff["tax_percent"] == "20.00"
    assert made(line, "tariff", "show", "standard") == [tariff]
    (expert,) = made(line, "expert", "list")
    assert expert["phones"] == ["ada", "ada-2"]
    assert expert["share_percent"] == "70.00 of the net"
    assert made(line, "expert", "show", "11") == expert
    (number,) = made(line, "number", "list")
    assert number["number"] == "+33199001234"
    assert made(line, "number", "show", "01 99 00 12 34") == number | {"limits": []}
    (caller,) = made(line, "caller", "list")
    assert caller["numbers"] == ["+33639980001"]


def test_tables_show_the_same(line: Primeline) -> None:
    for words, shown in (
        (("tariff", "list"), "€1.20"),
        (("expert", "list"), "ada, ada-2"),
        (("number", "list"), "+33199001234"),
        (("caller", "list"), "+33639980001"),
        (("calls",), "Calls: none."),
        (("books", "check"), "books check: ok"),
    ):
        result = line(*words)
        assert result.exit_code == 0
        assert shown in result.stdout


def test_a_top_up_is_credited_and_explained(line: Primeline) -> None:
    answer = made(line, "topup", "+33 6 39 98 00 01", "20.00", "--key", "order-1")
    assert answer["credit_now"] == {"amount": "20.0000", "currency": "EUR"}
    made(line, "topup", "0639980001", "20", "--key", "order-1")
    caller = made(line, "caller", "show", "06 39 98 00 01")
    assert [entry["reason"] for entry in caller["lines"]] == ["top-up"]
    assert caller["available"] == {"amount": "20.0000", "currency": "EUR"}
    audited = made(line, "audit", "--subject", "caller")
    assert [entry["action"] for entry in audited].count("topped-up") == 1


def test_a_balance_is_explained_page_by_page(line: Primeline) -> None:
    for key in ("one", "two", "three"):
        made(line, "topup", "0639980001", "20", "--key", key)
    show = ("caller", "show", "0639980001")
    whole = made(line, *show)
    assert (len(whole["lines"]), whole["go_on_after"]) == (3, None)
    first = made(line, *show, "--limit", "2")
    assert first["lines"] == whole["lines"][:2]
    go_on = str(first["go_on_after"])
    second = made(line, *show, "--limit", "2", "--after", go_on)
    # The balance goes on from the lines that aren't shown.
    assert second["lines"] == whole["lines"][2:]
    assert second["lines"][0]["balance"] == {"amount": "60.0000", "currency": "EUR"}
    assert second["go_on_after"] is None
    assert f"There are more lines: --after {go_on}" in line(*show, "--limit", "2").stdout
    assert "There are more lines" not in line(*show).stdout


def test_a_pin_that_was_made_up_is_shown_once(line: Primeline) -> None:
    dora = ("caller", "add", "Dora", "--number", "+33 6 39 98 00 02")
    result = line(*dora)
    assert "The PIN is kept nowhere: note it now." in result.stdout
    assert "pin" not in made(line, "caller", "show", "+33639980002")


def test_a_pin_that_was_given_is_not_shown(primeline: Primeline) -> None:
    result = primeline("caller", "add", "Cleo", "--number", "+33639980001", "--pin", "481516")
    assert result.exit_code == 0
    assert "481516" not in result.output


@pytest.mark.usefixtures("line")
async def test_who_changed_what_is_on_record(sessions: Sessions) -> None:
    async with sessions() as s:
        rows = await s.execute(
            text("SELECT actor, action, subject, detail::text FROM audit_entries ORDER BY id")
        )
        entries = rows.all()
    assert [(row.action, row.subject) for row in entries] == [
        ("added", "tariff"),
        ("added", "expert"),
        ("added", "number"),
        ("added", "caller"),
    ]
    assert {row.actor for row in entries} == {getpass.getuser()}
    # Quoted, since it may well stand within an id.
    assert '"4711"' not in entries[-1].detail


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("tariff", "add", "x", "--price", "1.2x"), "'1.2x' is not an amount"),
        (("tariff", "show", "x"), "There is no tariff called 'x'."),
        (("expert", "show", "99"), "There is no expert with extension 99."),
        (("number", "show", "0199001299"), "+33199001299 is none of our numbers."),
        (("number", "add", "12"), "'12' is no phone number"),
        (("number", "add", "0199001235", "--kind", "direct"), "There is no expert"),
        (("number", "add", "0199001235", "--language", "de"), "There are no prompts in 'de'"),
        (
            ("caller", "add", "Me", "--number", "0639980002", "--language", "de"),
            "There are no prompts in 'de', only in: en, fr.",
        ),
        (("caller", "pin", "0639980009"), "There is no caller +33639980009."),
        (("topup", "0639980009", "1"), "There is no caller +33639980009."),
        (
            ("calls", "show", "01a20538-2c58-77bf-abf7-50151fe34c94"),
            "There is no call 01a20538-2c58-77bf-abf7-50151fe34c94.",
        ),
    ],
)
def test_an_error_is_one_sentence(
    primeline: Primeline, words: tuple[str, ...], sentence: str
) -> None:
    result = primeline(*words)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.output


def test_a_price_with_three_decimals_is_refused(primeline: Primeline) -> None:
    assert primeline("tariff", "add", "x", "--price", "1.205").exit_code == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--increments", "60"),
        ("--tax", "twenty"),
        ("--from", "tomorrow"),
    ],
)
def test_an_option_that_cant_be_read_says_how_to_write_it(
    primeline: Primeline, words: tuple[str, str]
) -> None:
    result = primeline("tariff", "add", "x", "--price", "1.20", *words)
    assert result.exit_code == 2
    assert "like" in result.stderr


def test_a_tariff_gets_versions_and_keeps_the_old(line: Primeline) -> None:
    dearer = ("tariff", "add", "standard", "--price", "1.50", "--from", "2030-01-01")
    made(line, *dearer)
    versions = made(line, "tariff", "show", "standard")
    assert [version["price_per_minute"]["amount"] for version in versions] == ["1.2000", "1.5000"]
    again = line(*dearer)
    assert again.exit_code == 1
    assert "already has a version" in again.stderr


def test_an_expert_goes_away_and_comes_back(line: Primeline) -> None:
    line("expert", "presence", "11", "away")
    assert made(line, "expert", "show", "11")["presence"] == "away"


def test_migrate_can_be_repeated(primeline: Primeline) -> None:
    assert primeline("migrate").stdout == "The database is up to date.\n"


def test_an_empty_database_says_what_to_run(
    postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", postgres_server.create_database("empty"))
    result = CliRunner().invoke(app, ["calls"])
    assert (result.exit_code, "primeline migrate" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (None, "No database: start `primeline up`, or set PRIMELINE_DATABASE_URL"),
        ("", "No database: start `primeline up`, or set PRIMELINE_DATABASE_URL"),
        ("mysql://127.0.0.1/x", "PRIMELINE_DATABASE_URL: must be postgresql://"),
        ("postgresql://127.0.0.1:1/x", "The database can't be reached"),
    ],
)
def test_a_database_that_isnt_there_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str | None, sentence: str
) -> None:
    monkeypatch.setenv("PRIMELINE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("PRIMELINE_DATABASE_URL", raising=False)
    if url is not None:
        monkeypatch.setenv("PRIMELINE_DATABASE_URL", url)
    result = CliRunner().invoke(app, ["calls", "list"])
    assert (result.exit_code, sentence in result.stderr) == (1, True)


def test_every_command_helps() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for name in ("up", "demo", "migrate", "topup", "calls", "number", "expert", "tariff", "books"):
        assert name in result.stdout


def running(url: str) -> Running:
    """As `primeline up` writes it; nobody listens at the ARI address."""
    pid = os.getpid()
    began = process_began(pid)
    ari = ("http://127.0.0.1:1", "primeline", "ari-password")
    return Running(pid, began, "127.0.0.1:5060", *ari, url)


def test_commands_find_the_database_of_the_system_that_runs(
    line: Primeline, fresh_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PRIMELINE_DATABASE_URL")
    announce(tmp_path, running(fresh_database))
    assert [one["name"] for one in made(line, "caller", "list")] == ["Cleo"]
    assert line("migrate").exit_code == 0
    assert (tmp_path / RUNNING_FILE).stat().st_mode & 0o077 == 0
    forget(tmp_path)
    assert "No database" in line("caller", "list").stderr


def test_a_system_that_was_killed_isnt_taken_for_running(
    line: Primeline, fresh_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PRIMELINE_DATABASE_URL")
    announce(tmp_path, replace(running(fresh_database), began=1.0))
    assert "No database" in line("caller", "list").stderr


def test_up_says_in_one_sentence_that_a_named_database_isnt_there(
    primeline: Primeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIMELINE_DATABASE_URL", "postgresql://127.0.0.1:1/x")
    result = primeline("up")
    assert result.exit_code == 1
    assert "The database of PRIMELINE_DATABASE_URL can't be reached" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_who_is_given_a_phone_is_told_once_how_to_register_it(
    line: Primeline, fresh_database: str, tmp_path: Path
) -> None:
    silent = line("caller", "add", "Al", "--number", "+33639980007", "--phone", "al")
    assert "Register a SIP phone as al, password " in silent.stdout
    assert "where `primeline up` says" in silent.stdout
    announce(tmp_path, running(fresh_database))
    result = line("caller", "add", "Me", "--number", "06 39 98 00 09", "--phone", "me")
    assert "Register a SIP phone as me, password " in result.stdout
    assert "at 127.0.0.1:5060 (UDP)." in result.stdout
    assert "note it now" in result.stdout
    eve = ("expert", "add", "Eve", "--extension", "12", "--tariff", "standard", "--phone", "eve")
    (name, password), *more = made(line, *eve)["passwords"].items()
    assert (name, len(password), more) == ("eve", 20, [])
    assert made(line, "caller", "show", "+33639980009")["phones"] == ["me"]
    for words in (
        ("expert", "add", "Eva", "--extension", "13", "--tariff", "standard", "--phone", "me"),
        ("caller", "add", "You", "--number", "+33639980010", "--phone", "ada"),
        ("phone", "add", "ada"),
    ):
        taken = line(*words)
        assert (taken.exit_code, "is in use already" in taken.stderr) == (1, True)


def test_phones_are_listed_with_their_owners_and_never_with_passwords(
    line: Primeline, fresh_database: str, tmp_path: Path
) -> None:
    made(line, "caller", "add", "Me", "--number", "+33639980009", "--phone", "me")
    door = made(line, "phone", "add", "door", "--number", "06 39 98 00 11")["password"]
    assert "nobody is registered now" in line("phone", "list").stdout
    announce(tmp_path, running(fresh_database))
    rows = made(line, "phone", "list")
    assert [(row["phone"], row["whose"], row["number"]) for row in rows] == [
        ("ada", "expert Ada (11)", None),
        ("ada-2", "expert Ada (11)", None),
        ("door", None, "+33639980011"),
        ("me", "caller Me", "+33639980009"),
    ]
    assert {(row["password"], row["server"]) for row in rows} == {("set", "127.0.0.1:5060")}
    newer = made(line, "phone", "password", "door")["password"]
    assert newer != door
    assert newer not in line("phone", "list").stdout
    assert "There is no phone 'dor'." in line("phone", "password", "dor").stderr


def test_an_expert_is_rung_at_a_number_too_until_it_is_removed(line: Primeline) -> None:
    out = ("--host", "203.0.113.9", "--present", "01 99 00 00 01")
    made(line, "trunk", "add", "out", *out)
    number = ("phone", "add-number", "+33 1 99 00 12 77", "--expert", "11", "--trunk", "out")
    assert made(line, *number)["phone"] == "+33199001277"
    assert "Register a SIP phone as ada-3" in line("phone", "add", "ada-3", "--expert", "11").stdout
    assert made(line, "expert", "show", "11")["phones"] == ["ada", "ada-2", "+33199001277", "ada-3"]
    rows = {row["phone"]: row["whose"] for row in made(line, "phone", "list")}
    assert rows["+33199001277"] == rows["ada-3"] == "expert Ada (11)"
    refused = line("phone", "add-number", "112", "--expert", "11", "--trunk", "out")
    assert "112 can't be dialled: it is an emergency number." in refused.stderr
    assert "in use by an expert's phone" in line("trunk", "remove", "out").stderr
    line("phone", "remove", "01 99 00 12 77", "--expert", "11")
    line("phone", "remove", "ada")
    assert made(line, "expert", "show", "11")["phones"] == ["ada-2", "ada-3"]
    assert "is gone" in line("trunk", "remove", "out").stdout
    assert "There is no phone 'ada'." in line("phone", "remove", "ada").stderr


def test_a_trunk_is_added_shown_edited_and_removed_and_each_is_in_the_audit_log(
    line: Primeline, fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(line, "trunk", "add", "carrier", "--trusted", "--region", "BE")
    assert (len(first.pop("password")), first["logs_in"], first["version"]) == (20, True, 1)
    assert made(line, "trunk", "show", "carrier") == first
    out = (
        *("--host", "sip.example.com", "--username", "us", "--register"),
        *("--present", "01 99 00 00 01", "--outbound-format", "e164", "--allow", "FR-fixed"),
    )
    keyless = line("trunk", "edit", "carrier", "--region", "FR", *out)
    assert (keyless.exit_code, "PRIMELINE_SECRET_KEY" in keyless.stderr) == (1, True)
    monkeypatch.setenv("PRIMELINE_SECRET_KEY", "k" * 32)
    monkeypatch.setenv("PRIMELINE_TRUNK_PASSWORD", "carriers-password")
    second = made(line, "trunk", "edit", "carrier", "--region", "FR", *out)
    assert (second["version"], second["trusted"]) == (2, True)
    assert (second["presented_number"], second["destinations"]) == ("+33199000001", ["FR-fixed"])
    late = line("trunk", "edit", "carrier", "--untrusted", "--version", "1")
    assert "The trunk was changed in between: it is at version 2." in late.stderr
    third = made(line, "trunk", "edit", "carrier", "--host", "none", "--username", "none",
                 "--no-register", "--address", "203.0.113.10", "--no-password")  # fmt: skip
    assert (third["host"], third["addresses"], third["logs_in"]) == (None, ["203.0.113.10"], False)
    assert "carrier" in line("trunk", "list").stdout
    wrong = line("trunk", "edit", "carrier", "--address", "anywhere")
    assert "'anywhere' is no address" in wrong.stderr
    assert "is gone" in line("trunk", "remove", "carrier").stdout
    assert made(line, "trunk", "list") == []
    assert "There is no trunk 'carrier'." in line("trunk", "show", "carrier").stderr
    url = fresh_database.replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT action, detail FROM audit_entries WHERE subject = 'trunk' ORDER BY id"
        ).fetchall()
    assert [action for action, _ in rows] == ["added", "edited", "edited", "removed"]
    assert rows[1][1]["changed"]["host"] == {"from": None, "to": "sip.example.com"}
    assert rows[1][1]["changed"]["sealed_password"] == "set"
    assert "carriers-password" not in str(rows)


async def test_a_callers_currency_is_rendered_before_his_first_call(
    line: Primeline, sessions: Sessions
) -> None:
    dollars = ("caller", "add", "Di", "--number", "+1 202 555 0123", "--currency", "USD")
    await asyncio.to_thread(made, line, *dollars)
    async with sessions() as s:
        assert await currencies_in_use(s) == {"EUR", "USD"}
        jobs = await s.scalars(text("SELECT args FROM procrastinate_jobs ORDER BY id"))
        wanted = [one for args in jobs for one in args.get("currencies", ())]
    assert wanted == ["EUR", "USD"]


def test_a_new_pin_is_shown_once_and_unlocks(line: Primeline) -> None:
    answer = made(line, "caller", "pin", "0639980001")
    assert len(answer["pin"]) == 6
    assert "note it now" in line("caller", "pin", "0639980001").stdout
    assert "may be tried again" in line("caller", "unlock", "0639980001").stdout


def test_a_region_says_how_a_callers_number_is_read(line: Primeline) -> None:
    belgian = ("--region", "BE")
    made(line, "caller", "add", "Bo", "--number", "0470 12 34 56", *belgian)
    answer = made(line, "topup", "0470 12 34 56", "5", *belgian)
    assert answer["credit_now"]["amount"] == "5.0000"
    assert made(line, "caller", "show", "+32470123456")["name"] == "Bo"


def test_a_list_of_tariffs_leaves_out_what_is_usual_in_all(line: Primeline) -> None:
    assert made(line, "tariff", "list")[0]["increments"] == "1/1"
    table = line("tariff", "list").stdout
    assert "tax percent" in table
    assert not any(word in table for word in ("connect fee", "increments", "maximum", "free"))
    made(line, "tariff", "add", "block", "--price", "1", "--increments", "60/60")
    assert "increments" in line("tariff", "list").stdout


PREMIUM_WORDS = ("--carrier", "carrier", "--publisher", "Example SARL", "--service", "Advice")


def test_a_number_is_made_premium_rate_and_a_menu_is_warned_of(line: Primeline) -> None:
    made(line, "number", "add", "+33 8 99 00 12 34", "--kind", "direct", "--expert", "11")
    prices = ("--per-minute", "0.80", "--pays-per-minute", "0.5432", "--month-maximum", "300")
    direct = line("premium", "add", "+33 8 99 00 12 34", *PREMIUM_WORDS, *prices, "--json")
    assert direct.exit_code == 0, direct.output
    assert direct.stderr == ""
    terms = json.loads(direct.stdout)
    assert terms["pays_per_minute"] == {"amount": "0.5432", "currency": "EUR"}
    assert made(line, "premium", "list") == [terms]
    assert made(line, "premium", "show", "+33 8 99 00 12 34") == [terms]
    menu = line("premium", "add", "+33 1 99 00 12 34", *PREMIUM_WORDS, *prices)
    assert menu.exit_code == 0, menu.output
    assert "30 seconds" in menu.stderr
    shown = line("premium", "show", "+33 1 99 00 12 34")
    assert "Example SARL" in shown.output


def test_rules_are_listed_and_unsure_figures_set_and_reset(line: Primeline) -> None:
    figures = made(line, "rules", "list", "--area", "GB", "--unsure")
    assert {row["figure"] for row in figures} >= {"notice-tell", "message-most-seconds"}
    assert not any(row["sure"] for row in figures)
    made(line, "rules", "set", "GB", "notice-tell", "10")
    shown = line("rules", "show", "GB", "notice-tell", "--json")
    assert json.loads(shown.stdout)["value"] == "10.00"
    assert made(line, "rules", "reset", "GB", "notice-tell")["value"] == "15.00"
    refused = line("rules", "set", "GB", "cap-09-per-minute", "9")
    assert refused.exit_code == 1
    assert "sure" in refused.stderr
    assert "R10" in line("rules", "list").stdout
