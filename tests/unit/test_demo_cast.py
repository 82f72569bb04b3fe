"""What the demo says is rendered before it begins."""

from datetime import UTC, datetime

from billing.rulesets import rules
from billing.rulesets.loading import shipped
from dialplan.prompts.messages import message_phrases
from primeline.demo import cast


def test_the_whole_message_of_the_demos_premium_rate_number_is_rendered() -> None:
    terms = cast.TERMS
    sets = rules.in_force(shipped(), terms.country, datetime.now(UTC).date())
    asked = rules.call_rules(sets, rules.kind_of(sets, cast.PREMIUM_NUMBER))
    said = message_phrases(
        asked.message, retail=terms.retail, provider=terms.publisher, service=terms.service
    )
    assert len(said) > 1
    assert set(said) <= set(cast.phrases())
