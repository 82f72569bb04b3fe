"""The dialogues of the self-service lines, as tables of what is keyed and what is said."""

import tomllib
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from billing.accounts.vouchers import VoucherRefusal
from billing.money.values import Money
from billing.pins.values import PinCheck
from dialplan.menus import account_line, expert_line
from dialplan.menus import values as v
from dialplan.menus.pin import Next, after_pin
from dialplan.prompts import catalogue as catalogue_module
from dialplan.prompts import spoken
from dialplan.prompts.catalogue import LANGUAGES, catalogue
from dialplan.prompts.sentences import transcript
from dialplan.prompts.spoken import clock_phrases, date_phrases, length_phrases, sum_phrases


def eur(cents: int) -> Money:
    return Money.of_minor(cents, "EUR")


def play(line: Any, *events: v.Event) -> Any:
    """What the dialogue wants after the last event."""
    state, output = line.START, None
    for event in events:
        state, output = line.step(state, event)
    return output


def ids(output: Any) -> list[str]:
    return [phrase.id for phrase in output.phrases]


RIGHT, WRONG, LOCKED = (v.PinTried(check) for check in PinCheck)
KNOWN = v.Began(known=True)
IN = (KNOWN, v.Keyed("1234"), RIGHT, v.Balance(eur(1_000)))
EXPERT_IN = (v.Began(), v.Keyed("11"), v.Keyed("1234"), RIGHT, v.OnLine(on_line=True))
NOTHING = v.Keyed("")


@pytest.mark.parametrize(
    ("events", "result"),
    [
        ((v.Began(),), "caller-unknown"),
        ((v.Began(known=True, locked=True),), "pin-locked"),
        ((KNOWN, NOTHING, NOTHING, NOTHING), "nothing-keyed"),
        ((KNOWN, v.Keyed("1"), WRONG, v.Keyed("1"), WRONG, v.Keyed("1"), WRONG), "pin-wrong"),
        ((KNOWN, v.Keyed("1"), LOCKED), "pin-locked"),
        ((*IN, v.Keyed("9")), "done"),
        ((*IN, NOTHING, v.Keyed("7"), NOTHING), "nothing-keyed"),
    ],
)
def test_how_a_call_to_the_account_line_ends(events: tuple[v.Event, ...], result: str) -> None:
    output = play(account_line, *events)
    assert isinstance(output, v.Farewell)
    assert output.result == result
    assert ids(output)[-1] == "goodbye"


@pytest.mark.parametrize(
    ("events", "request_"),
    [
        ((KNOWN, v.Keyed("1234")), v.CheckPin("1234")),
        ((KNOWN, v.Keyed("1234"), RIGHT), v.Read("balance")),
        ((*IN, v.Keyed("1")), v.Read("balance")),
        ((*IN, v.Keyed("3")), v.Read("calls")),
        ((*IN, v.Keyed("4")), v.Read("limits")),
        ((*IN, v.Keyed("2"), v.Keyed("4" * 16)), v.RedeemVoucher("4" * 16)),
        ((*IN, v.Keyed("5"), v.Keyed("20"), v.Keyed("1")), v.SetDayLimit(eur(2_000))),
    ],
)
def test_what_a_caller_asks_of_the_services(events: tuple[v.Event, ...], request_: object) -> None:
    assert play(account_line, *events) == request_


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ((KNOWN,), ["welcome", "enter-pin"]),
        ((KNOWN, NOTHING), ["enter-pin"]),
        ((KNOWN, v.Keyed("1"), WRONG), ["wrong-pin", "enter-pin"]),
        (IN, ["balance-is", "amount", "account-menu"]),
        ((*IN, NOTHING), ["account-menu"]),
        ((*IN, v.Keyed("2")), ["enter-voucher"]),
        ((*IN, v.Keyed("2"), NOTHING), ["account-menu"]),
        (
            (*IN, v.Keyed("2"), v.Keyed("1"), v.Redeemed(eur(500), eur(1_500))),
            ["voucher-credited", "amount", "balance-is", "amount", "account-menu"],
        ),
        (
            (*IN, v.Keyed("2"), v.Keyed("1"), v.Refused("voucher-unknown")),
            ["voucher-unknown", "enter-voucher"],
        ),
        (
            (*IN, v.Keyed("2"), v.Keyed("1"), v.Refused("voucher-tries")),
            ["voucher-tries", "account-menu"],
        ),
        (
            (*IN, v.Keyed("2"), *(3 * (v.Keyed("1"), v.Refused("voucher-used")))),
            ["voucher-used", "account-menu"],
        ),
        ((*IN, v.Keyed("3"), v.Calls(())), ["no-calls-yet", "account-menu"]),
        (
            (
                *IN,
                v.Keyed("3"),
                v.Calls((v.PastCall(date(2026, 11, 22), 1, time(14, 5), 190, eur(380)),)),
            ),
            [
                "last-calls",
                "yesterday",
                "at",
                "hours",
                "minutes",
                "it-lasted",
                "minutes",
                "seconds",
                "the-call-cost",
                "amount",
                "account-menu",
            ],
        ),
        ((*IN, v.Keyed("4"), v.SpendingLimits(None, None, None)), ["no-limits", "account-menu"]),
        (
            (*IN, v.Keyed("4"), v.SpendingLimits(None, eur(100), eur(200))),
            ["limit-per-day", "amount", "limit-per-month", "amount", "account-menu"],
        ),
        ((*IN, v.Keyed("5"), NOTHING), ["nothing-changed", "account-menu"]),
        ((*IN, v.Keyed("5"), v.Keyed("20")), ["new-day-limit", "amount", "press-1-to-confirm"]),
        ((*IN, v.Keyed("5"), v.Keyed("20"), NOTHING), ["nothing-changed", "account-menu"]),
        ((*IN, v.Keyed("5"), v.Keyed("20"), v.Keyed("1"), v.Done()), ["limit-set", "account-menu"]),
        (
            (*IN, v.Keyed("5"), v.Keyed("20"), v.Keyed("1"), v.Refused("limit-not-lower")),
            ["limit-not-lower", "account-menu"],
        ),
    ],
)
def test_what_a_caller_hears(events: tuple[v.Event, ...], said: list[str]) -> None:
    output = play(account_line, *events)
    assert isinstance(output, v.Ask)
    assert ids(output) == said


@pytest.mark.parametrize(
    ("events", "result"),
    [
        ((v.Began(), NOTHING, NOTHING, NOTHING), "nothing-keyed"),
        ((v.Began(), v.Keyed("11"), NOTHING, NOTHING, NOTHING), "nothing-keyed"),
        ((v.Began(), v.Keyed("11"), v.Keyed("1"), LOCKED), "pin-locked"),
        ((v.Began(), *(3 * (v.Keyed("11"), v.Keyed("1"), WRONG))), "pin-wrong"),
        ((*EXPERT_IN, v.Keyed("9")), "done"),
        ((*EXPERT_IN, NOTHING, NOTHING, NOTHING), "nothing-keyed"),
    ],
)
def test_how_a_call_to_the_expert_line_ends(events: tuple[v.Event, ...], result: str) -> None:
    output = play(expert_line, *events)
    assert isinstance(output, v.Farewell)
    assert output.result == result


PRICE = v.Price(eur(120), eur(80), eur(250))


@pytest.mark.parametrize(
    ("events", "request_"),
    [
        ((v.Began(), v.Keyed("11"), v.Keyed("1234")), v.CheckPin("1234", "11")),
        (EXPERT_IN[:4], v.Read("on-line")),
        ((*EXPERT_IN, v.Keyed("1")), v.SetOnLine(on_line=True)),
        ((*EXPERT_IN, v.Keyed("2")), v.SetOnLine(on_line=False)),
        (
            (*EXPERT_IN, v.Keyed("3"), v.Keyed("1830")),
            v.SetOnLine(on_line=True, until=time(18, 30)),
        ),
        ((*EXPERT_IN, v.Keyed("4")), v.Read("earnings")),
        ((*EXPERT_IN, v.Keyed("5")), v.Read("price")),
        ((*EXPERT_IN, v.Keyed("5"), PRICE, v.Keyed("250"), v.Keyed("1")), v.SetPrice(eur(250))),
    ],
)
def test_what_an_expert_asks_of_the_services(events: tuple[v.Event, ...], request_: object) -> None:
    assert play(expert_line, *events) == request_


MENU = "expert-menu"


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (EXPERT_IN, ["you-are-on-line", MENU]),
        ((*EXPERT_IN[:4], v.OnLine(on_line=False)), ["you-are-off-line", MENU]),
        (
            (*EXPERT_IN[:4], v.OnLine(on_line=True, until=time(18, 30))),
            ["you-are-on-line-until", "hours", "minutes", MENU],
        ),
        (
            (v.Began(), v.Keyed("11"), v.Keyed("1"), WRONG),
            ["wrong-extension-or-pin", "enter-own-extension"],
        ),
        ((*EXPERT_IN, v.Keyed("3")), ["enter-hour"]),
        ((*EXPERT_IN, v.Keyed("3"), v.Keyed("2561")), ["no-such-hour", "enter-hour"]),
        ((*EXPERT_IN, v.Keyed("3"), *(3 * (v.Keyed("99"),))), ["no-such-hour", MENU]),
        ((*EXPERT_IN, v.Keyed("3"), NOTHING), ["nothing-changed", MENU]),
        (
            (*EXPERT_IN, v.Keyed("4"), v.Earnings((), (eur(350),), (eur(100),))),
            [
                "earned-today",
                "nothing",
                "earned-this-month",
                "amount",
                "expected-this-month",
                "amount",
                "expert-menu",
            ],
        ),
        ((*EXPERT_IN, v.Keyed("5"), v.Price(None)), ["price-not-settable", MENU]),
        (
            (*EXPERT_IN, v.Keyed("5"), PRICE),
            ["price-is", "amount", "price-from", "amount", "price-to", "amount", "enter-price"],
        ),
        (
            (*EXPERT_IN, v.Keyed("5"), PRICE, v.Keyed("79")),
            ["price-out-of-bounds", "enter-price"],
        ),
        (
            (*EXPERT_IN, v.Keyed("5"), PRICE, *(3 * (v.Keyed("251"),))),
            ["price-out-of-bounds", MENU],
        ),
        (
            (*EXPERT_IN, v.Keyed("5"), PRICE, v.Keyed("80")),
            ["new-price", "amount", "press-1-to-confirm"],
        ),
        ((*EXPERT_IN, v.Keyed("5"), PRICE, v.Keyed("80"), v.Keyed("2")), ["nothing-changed", MENU]),
        (
            (*EXPERT_IN, v.Keyed("5"), PRICE, v.Keyed("80"), v.Keyed("1"), v.Done()),
            ["price-set", MENU],
        ),
        (
            (
                *EXPERT_IN,
                v.Keyed("5"),
                PRICE,
                v.Keyed("80"),
                v.Keyed("1"),
                v.Refused("price-not-allowed"),
            ),
            ["price-not-allowed", MENU],
        ),
    ],
)
def test_what_an_expert_hears(events: tuple[v.Event, ...], said: list[str]) -> None:
    output = play(expert_line, *events)
    assert isinstance(output, v.Ask)
    assert ids(output) == said


@pytest.mark.parametrize("line", [account_line, expert_line])
def test_an_event_that_nobody_waits_for_is_refused(line: Any) -> None:
    with pytest.raises(v.IllegalEvent):
        line.step(line.START, v.Keyed("1"))


def test_before_the_pin_was_right_nothing_but_the_pin_is_asked_of_the_services() -> None:
    for line in (account_line, expert_line):
        seen: list[v.Output] = []
        frontier: list[tuple[Any, v.Event]] = [(line.START, v.Began(known=True))]
        for _ in range(6):
            reached: list[tuple[Any, v.Event]] = []
            for state, event in frontier:
                after, output = line.step(state, event)
                seen.append(output)
                if isinstance(output, v.Ask):
                    reached += [(after, v.Keyed("")), (after, v.Keyed("11"))]
                elif isinstance(output, v.CheckPin):
                    reached += [(after, WRONG), (after, LOCKED)]
            frontier = reached
        requests = [one for one in seen if not isinstance(one, v.Ask | v.Farewell)]
        assert requests
        assert all(isinstance(one, v.CheckPin) for one in requests)


def test_nothing_keyed_shows_in_a_repr() -> None:
    for one in (v.Keyed("4711"), v.CheckPin("4711"), v.RedeemVoucher("4711")):
        assert "4711" not in repr(one)


@pytest.mark.parametrize(
    ("digits", "hour"),
    [
        ("0000", time(0, 0)),
        ("2359", time(23, 59)),
        ("2400", time(0, 0)),
        ("2401", None),
        ("2360", None),
        ("930", None),
        ("", None),
    ],
)
def test_an_hour_is_four_digits_of_a_clock(digits: str, hour: time | None) -> None:
    assert expert_line.hour_of(digits) == hour


@pytest.mark.parametrize(
    ("check", "tries", "follows"),
    [
        (PinCheck.RIGHT, 3, Next.GO_ON),
        (PinCheck.WRONG, 2, Next.AGAIN),
        (PinCheck.WRONG, 3, Next.WRONG),
        (PinCheck.LOCKED, 1, Next.LOCKED),
    ],
)
def test_what_follows_a_pin(check: PinCheck, tries: int, follows: Next) -> None:
    assert after_pin(check, tries, 3) is follows


@pytest.mark.parametrize(
    ("phrases", "english", "french"),
    [
        (
            sum_phrases(eur(1_250)),
            "twelve euros and fifty cents",
            "douze euros et cinquante centimes",
        ),
        (
            sum_phrases(eur(123_400)),
            "one thousand two hundred thirty-four euros",
            "mille deux cents trente-quatre euros",
        ),
        (sum_phrases(eur(20_000)), "two hundred euros", "deux cents euros"),
        (
            sum_phrases(eur(20_007)),
            "two hundred euros seven cents",
            "deux cents euros sept centimes",
        ),
        (length_phrases(190), "three minutes ten seconds", "trois minutes dix secondes"),
        (length_phrases(60), "one minute", "une minute"),
        (length_phrases(3_725), "one hour two minutes", "une heure deux minutes"),
        (length_phrases(0), "zero seconds", "zéro seconde"),
        (clock_phrases(time(14, 5)), "fourteen hours five minutes", "quatorze heures cinq minutes"),
        (clock_phrases(time(21, 0)), "twenty-one hours", "vingt et une heures"),
        (date_phrases(date(2026, 11, 23), 0), "today", "aujourd’hui"),
        (date_phrases(date(2026, 11, 1), 22), "on the first of November", "le premier novembre"),
        (
            date_phrases(date(2026, 2, 22), 40),
            "on the twenty-second of February",
            "le vingt-deux février",
        ),
    ],
)
def test_sums_lengths_hours_and_dates_in_words(
    phrases: tuple[Any, ...], english: str, french: str
) -> None:
    assert " ".join(transcript(one, "en") for one in phrases) == english
    assert " ".join(transcript(one, "fr") for one in phrases) == french


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_phrase_of_the_lines_is_said_and_each_refusal_has_one(language: str) -> None:
    refusals = {str(refusal) for refusal in VoucherRefusal}
    assert refusals <= catalogue(language).keys()
    said = "".join(
        Path(str(module.__file__)).read_text() for module in (account_line, expert_line, spoken)
    )
    texts = Path(str(catalogue_module.__file__)).with_name("texts") / f"{language}.toml"
    ours = tomllib.loads(texts.read_text())["lines"].keys()
    unsaid = {id_ for id_ in ours - refusals if f'"{id_}"' not in said}
    assert unsaid == {"limit-not-lower", "price-not-allowed"}  # named by the services
