"""The rules R1 to R22: each figure, each pure decision; strict reading of the data files."""

import tomllib
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ari_app.calls.commands import HangUp
from ari_app.calls.events import Left
from ari_app.calls.states import Leg
from billing.money.text import parse
from billing.money.values import Money
from billing.rulesets import rules
from billing.rulesets.errors import RuleSetUnreadable
from billing.rulesets.loading import DATA, check_dates, load_all, read, shipped
from billing.rulesets.values import CallRules, PremiumNumber, RuleSet, SpendNotice
from dialplan.prompts.catalogue import LANGUAGES, catalogue
from dialplan.prompts.messages import MESSAGE_PARTS
from tests.unit.test_call_machine import T0
from tests.unit.test_premium_machine import bridge_of, talking

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
NAMED = {"price", "provider", "service"}
"""Parts of a message that carry a value of the number."""


def sets_of(country: str) -> tuple[RuleSet, ...]:
    return rules.in_force(shipped(), country, AT.date())


def rules_of(country: str, kind: Any = "surcharge") -> CallRules:
    return rules.call_rules(sets_of(country), kind)


def number(e164: str, per_minute: str = "0", per_call: str = "0", **changes: Any) -> PremiumNumber:
    country, currency = {"+33": ("FR", "EUR"), "+44": ("GB", "GBP"), "+18": ("US", "USD")}.get(
        e164[:3], ("US", "USD")
    )
    values: dict[str, Any] = {
        "country": country,
        "per_minute": parse(per_minute, currency),
        "per_call": parse(per_call, currency),
        "increment_seconds": 1,
        "publisher": "Example SARL",
        "service": "Advice by Ada",
        "category": "advice",
    }
    return PremiumNumber(e164=e164, **values | changes)


def broken(saved: PremiumNumber) -> list[str]:
    return [one.rule for one in rules.broken_by(sets_of(saved.country), saved)]


def test_r1_the_free_message_says_the_price_its_unit_and_the_price_of_a_normal_call() -> None:
    asked = rules_of("FR")
    assert asked.message == ("provider", "service", "price", "plus-normal-call", "hang-up-free")
    assert set(asked.message) <= MESSAGE_PARTS
    for language in LANGUAGES:
        assert set(asked.message) - NAMED <= set(catalogue(language))
    assert rules.message_fits(asked, 10_000)
    assert not rules.message_fits(asked, 9_999)


def test_r2_nothing_is_charged_before_the_tone() -> None:
    (figures,) = [one.figures for one in sets_of("FR") if one.area == "FR"]
    assert figures["charge-after-tone"].value is True
    assert rules_of("FR").tone_gap_ms == 0


def test_r3_a_key_ends_the_message_in_its_call_alone() -> None:
    asked = rules_of("FR")
    assert rules.may_skip(asked, rose_at=None, at=AT)
    # No wish outlives its call, so none can be older than the law's three months.
    (figures,) = [one.figures for one in sets_of("FR") if one.area == "FR"]
    assert figures["skip-days"].value == 89
    assert not {field.name for field in fields(CallRules)} & {"skip_days", "waived_at"}


@pytest.mark.parametrize(
    ("e164", "minute", "call"),
    [
        ("+33810000000", "0.06", "0.15"),
        ("+33820000000", "0.20", "0.50"),
        ("+33899000000", "0.80", "3.00"),
    ],
)
def test_r4_a_price_above_the_cap_of_its_range_is_refused(
    e164: str, minute: str, call: str
) -> None:
    cent = Money.of_minor(1, "EUR")
    at_cap = number(e164, per_minute=minute)
    assert broken(at_cap) == []
    assert broken(replace(at_cap, per_minute=at_cap.per_minute + cent)) == ["R4"]
    by_call = number(e164, per_call=call)
    assert broken(by_call) == []
    assert broken(replace(by_call, per_call=by_call.per_call + cent)) == ["R4"]


@pytest.mark.parametrize("e164", ["+33145000000", "+33612000000", "+33912000000", "+33800000000"])
def test_r4_an_ordinary_or_free_number_can_cost_nothing_more(e164: str) -> None:
    assert broken(number(e164, per_minute="0.10")) == ["R4"]


def test_r5_a_price_per_call_and_per_minute_is_refused() -> None:
    assert broken(number("+33899000000", "0.10", "0.10")) == ["R5"]


def test_r6_calls_are_metered_by_the_second() -> None:
    assert broken(number("+33899000000", "0.10", increment_seconds=60)) == ["R6"]


@pytest.mark.parametrize("name", ["publisher", "service", "category"])
def test_r7_a_number_needs_what_the_directory_lists(name: str) -> None:
    assert broken(number("+33899000000", "0.10", **{name: " "})) == ["R7"]


def test_r7_adult_services_are_on_0895_alone() -> None:
    assert broken(number("+33899000000", "0.10", category="adult")) == ["R7"]
    assert broken(number("+33895000000", "0.10", category="adult")) == []


def test_r8_a_call_has_a_greatest_length() -> None:
    assert rules_of("FR").maximum_seconds == 1_800
    (figures,) = [one.figures for one in sets_of("FR") if one.area == "FR"]
    assert not figures["maximum-seconds"].sure


def test_r9_a_call_back_needs_a_request() -> None:
    assert not rules.call_back_allowed(sets_of("FR"), requested=False)
    assert rules.call_back_allowed(sets_of("FR"), requested=True)
    assert rules.call_back_allowed(sets_of("US"), requested=False)


def test_r10_spending_is_told_at_15_confirmed_at_30_and_ended_at_40_pounds() -> None:
    assert rules_of("GB").notices == (
        SpendNotice(parse("15", "GBP"), "tell"),
        SpendNotice(parse("30", "GBP"), "confirm"),
        SpendNotice(parse("40", "GBP"), "end"),
    )


def test_r11_09_numbers_are_capped_and_the_access_charge_is_said() -> None:
    assert broken(number("+449012345678", "3.60")) == []
    assert broken(number("+449012345678", "3.61")) == ["R11"]
    assert broken(number("+449012345678", per_call="6.01")) == ["R11"]
    assert "access-charge" in rules_of("GB").message
    assert "your phone company's access charge" in catalogue("en")["access-charge"]


def test_r12_what_is_said_before_the_talk_takes_30_seconds_at_most() -> None:
    assert rules.message_fits(rules_of("GB"), 30_000)
    assert not rules.message_fits(rules_of("GB"), 30_001)


def test_r13_a_partner_is_checked_before_the_first_paid_call() -> None:
    asked = rules_of("GB")
    assert not rules.partner_may_earn(asked, checked_at=None, at=AT)
    assert not rules.partner_may_earn(asked, checked_at=AT + DAY, at=AT)
    assert rules.partner_may_earn(asked, checked_at=AT, at=AT)
    assert rules.partner_may_earn(rules_of("FR"), checked_at=None, at=AT)


def test_r14_the_preamble_names_provider_service_and_price_and_three_seconds_stay_free() -> None:
    asked = rules_of("US")
    assert asked.message[:3] == ("provider", "service", "price")
    assert "no-transfer-fee" in asked.message
    assert asked.tone_gap_ms == 3_000


def test_r15_the_first_to_hang_up_ends_the_charge() -> None:
    assert sets_of("US")[0].figures["paid-after-disconnect-ms"].value == 0
    for leg, other in ((Leg.CALLER, Leg.EXPERT), (Leg.EXPERT, Leg.CALLER)):
        play = talking()
        play.then(Left(leg, bridge_of(play), T0 + 9_000))
        assert other in {one.leg for one in play.last if isinstance(one, HangUp)}


def test_r16_after_a_rise_the_preamble_is_heard_again_for_a_while() -> None:
    asked, rose_at = rules_of("US"), AT - 10 * DAY
    assert rules.may_skip(asked, rose_at=None, at=AT)
    assert not rules.may_skip(asked, rose_at=rose_at, at=AT)
    assert not rules.may_skip(asked, rose_at=rose_at, at=rose_at + 30 * DAY - DAY / 24)
    assert rules.may_skip(asked, rose_at=rose_at, at=rose_at + 30 * DAY)
    # Where it can't be skipped at all, no rise is needed.
    assert not rules.may_skip(rules_of("GB"), rose_at=None, at=AT)


def test_r17_nothing_is_aimed_at_children_and_parents_are_spoken_of() -> None:
    assert broken(number("+19005550100", "1.00", category="children")) == ["R17"]
    assert "parents" in rules_of("US").message


def test_r18_the_preamble_is_played_for_cheap_calls_too() -> None:
    assert rules.message_needed(rules_of("US"), parse("0.01", "USD"))
    assert rules.message_needed(rules_of("FR"), parse("0.01", "EUR"))
    excused = replace(rules_of("US"), message_free_below=parse("2.00", "USD"))
    assert not rules.message_needed(excused, parse("2.00", "USD"))
    assert rules.message_needed(excused, parse("2.01", "USD"))


def test_r19_toll_free_numbers_cost_nothing_and_need_a_pin_and_notice_of_prices() -> None:
    assert broken(number("+18005550100", "0.10")) == ["R19"]
    assert rules_of("US", "toll-free").caller_pin_required
    assert not rules_of("US", "surcharge").caller_pin_required
    told = date(2026, 11, 1)
    free_from = rules.change_allowed_from(sets_of("US"), "toll-free", told)
    assert free_from == date(2026, 12, 2)
    assert rules.change_allowed_from(sets_of("US"), "surcharge", told) == told


def test_r20_on_toll_free_the_disclosure_is_heard_on_each_call() -> None:
    assert rules_of("US", "surcharge").message_skippable
    assert not rules_of("US", "toll-free").message_skippable


def test_r21_a_dispute_has_a_due_date_and_costs_nothing() -> None:
    dates = rules.dispute_dates(
        sets_of("US"), call_on=date(2026, 11, 1), disputed_on=date(2026, 11, 3)
    )
    assert dates == {"claim": date(2026, 12, 31), "answer": date(2026, 12, 29)}
    assert not sets_of("US")[0].figures["dispute-fee"].value


def test_r22_a_call_costs_50_euros_at_most_and_a_caller_300_in_a_month() -> None:
    for country in ("FR", "DE"):
        asked = rules_of(country)
        assert asked.maximum_charge == parse("50", "EUR")
        assert asked.month_maximum == parse("300", "EUR")
    assert rules_of("GB").maximum_charge is None


def test_a_set_dated_next_month_changes_only_calls_after_it() -> None:
    (french,) = [one for one in shipped() if one.area == "FR"]
    figure = replace(french.figures["maximum-seconds"], value=600)
    later = replace(
        french,
        valid_from=date(2026, 12, 1),
        figures={**french.figures, "maximum-seconds": figure},
    )
    all_sets = (*shipped(), later)

    def longest(on: date) -> int | None:
        return rules.call_rules(rules.in_force(all_sets, "FR", on), "surcharge").maximum_seconds

    assert longest(date(2026, 11, 30)) == 1_800
    assert longest(date(2026, 12, 1)) == 600
    names = rules.call_rules(rules.in_force(all_sets, "FR", date(2026, 12, 1)), "surcharge")
    assert names.rule_set == "EU-2018-01-13 FR-2026-12-01"


def test_a_country_without_rules_asks_for_the_price_alone() -> None:
    asked = rules_of("CH")
    assert (asked.rule_set, asked.message, asked.notices) == ("none", ("price",), ())


def test_the_operator_sets_unsure_figures_alone() -> None:
    (french,) = [one for one in shipped() if one.area == "FR"]
    overrides: dict[tuple[str, str], Any] = {
        ("FR", "maximum-seconds"): 900,
        ("FR", "cap-089-per-minute"): parse("9", "EUR"),
        ("GB", "maximum-seconds"): 1,
    }
    changed = rules.with_overrides(french, overrides)
    assert changed.figures["maximum-seconds"].value == 900
    assert changed.figures["maximum-seconds"].set_by_operator
    assert changed.figures["cap-089-per-minute"] == french.figures["cap-089-per-minute"]


def test_a_price_in_another_currency_is_refused() -> None:
    pence, nothing = parse("0.10", "GBP"), parse("0", "GBP")
    saved = replace(number("+33899000000"), per_minute=pence, per_call=nothing)
    assert len(broken(saved)) == 1


def file_of(**changes: Any) -> dict[str, Any]:
    data = tomllib.loads((DATA / "gb" / "2025-02-01.toml").read_text("utf-8"))
    return {**data, **changes}


def figure_of(**changes: Any) -> dict[str, Any]:
    return {"rule": "R10", "value": "15.00", "source": "a test", "sure": False, **changes}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (file_of(extra=1), "extra unknown"),
        ({"area": "GB"}, "missing"),
        (file_of(currency="XXX"), "currency"),
        (file_of(area="gb"), "two letters"),
        (file_of(**{"valid-from": "2025"}), "no day"),
        (file_of(figures={"notice-tel": figure_of()}), "no figure 'notice-tel'"),
        (file_of(figures={"cap-999-per-call": figure_of()}), "no figure"),
        (file_of(figures={"notice-tell": figure_of(value=15)}), "notice-tell"),
        (file_of(figures={"notice-tell": figure_of(value="15.001")}), "notice-tell"),
        (file_of(figures={"claim-days": figure_of(value=True)}), "claim-days"),
        (file_of(figures={"notice-tell": figure_of(sure="no")}), "sure"),
        (file_of(figures={"notice-tell": figure_of(source=" ")}), "source"),
        (file_of(figures={"notice-tell": figure_of(rule="R99")}), "rule"),
        (file_of(figures={"notice-tell": figure_of(more=1)}), "more unknown"),
        (file_of(ranges=[{"name": "09", "prefix": "449", "kind": "surcharge"}]), "beginning"),
        (file_of(ranges=[{"name": "09", "prefix": "+449", "kind": "dear"}]), "dear"),
    ],
)
def test_a_file_with_anything_unknown_missing_or_mistyped_is_refused(
    data: dict[str, Any], problem: str
) -> None:
    with pytest.raises(RuleSetUnreadable, match=problem):
        read("gb/test.toml", data)


def test_two_sets_of_one_area_and_day_are_refused() -> None:
    with pytest.raises(RuleSetUnreadable, match="begins on that day"):
        check_dates((*shipped(), shipped()[0]))


def test_a_file_named_for_another_day_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gb").mkdir()
    text = (DATA / "gb" / "2025-02-01.toml").read_text("utf-8")
    (tmp_path / "gb" / "2025-03-01.toml").write_text(text, "utf-8")
    with pytest.raises(RuleSetUnreadable, match="another than its file's name"):
        load_all(tmp_path)


def test_every_rule_has_a_figure_in_some_set() -> None:
    named = {figure.rule for one in shipped() for figure in one.figures.values()}
    assert {f"R{wanted}" for wanted in range(1, 23)} <= named
