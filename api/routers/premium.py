"""Premium terms of numbers: new versions, never edits; and what terms mean before they hold."""

from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter, status

from api.auth import MayManage, MayRead
from api.deps import Now, Transaction
from api.paging import Page, Paged, page_of
from api.problems import problems
from api.routers.numbers import NumberId
from api.schemas import premium as schema
from api.schemas.base import amount_of
from billing.catalogue import listing, premium
from billing.catalogue.premium_preview import preview
from billing.catalogue.values import PremiumTerms
from billing.kit.pages import Slice
from dialplan.prompts.catalogue import LANGUAGES
from dialplan.prompts.messages import message_phrases
from dialplan.prompts.sentences import transcript

router = APIRouter(prefix="/numbers/{number_id}/premium-terms", tags=["numbers"])


@router.get("", summary="List a number's premium terms", responses=problems("number-unknown"))
async def list_premium_terms(
    number_id: NumberId, s: Transaction, _: MayRead, paging: Paged
) -> Page[schema.TermsVersion]:
    """List all versions, the latest first; none: it is no premium-rate number."""
    await listing.get_number(s, number_id)
    found = await premium.versions(s, number_id)
    before = paging.after(datetime)
    left = [one for one in found if before is None or one.valid_from < before[0]]
    shown = tuple(left[: paging.limit])
    after = (shown[-1].valid_from,) if len(left) > len(shown) else None
    return page_of(Slice(shown, after), schema.version_shown)


@router.post(
    "",
    summary="Add premium terms to a number",
    status_code=status.HTTP_201_CREATED,
    responses=problems(
        "number-unknown",
        "premium-terms-taken",
        "premium-currency",
        "invalid-premium-terms",
        "rule-broken",
    ),
)
async def add_premium_terms(
    number_id: NumberId, body: schema.VersionIn, s: Transaction, actor: MayManage, at: Now
) -> schema.TermsVersion:
    """Make a number premium-rate, or give it new terms. Calls that came in before keep theirs."""
    number = await listing.get_number(s, number_id)
    kept = await premium.add_terms(
        s, number.e164, body.terms.value(), valid_from=body.valid_from or at, at=at
    )
    made = schema.version_shown(kept)
    detail = made.model_dump(mode="json", exclude={"id"})
    await actor.record(s, "added", "premium-terms", kept.terms_id, at=at, **detail)
    return made


@router.post(
    "/preview",
    summary="Try premium terms",
    responses=problems(
        "number-unknown", "premium-currency", "invalid-premium-terms", "unsayable-value"
    ),
)
async def preview_premium_terms(
    number_id: NumberId, body: schema.TermsTried, s: Transaction, _: MayRead, at: Now
) -> schema.TermsPreview:
    """Say which rules terms would break, what calls come to, and what callers would hear."""
    terms = body.terms.value()
    found = await preview(
        s, number_id, terms, valid_from=body.valid_from or at, seconds=body.seconds
    )
    return schema.TermsPreview(
        ok=not found.broken,
        broken=[schema.broken_shown(one) for one in found.broken],
        calls=[
            schema.MeteredCall(
                metered_seconds=one.metered_seconds,
                retail=amount_of(one.retail),
                outpayment=amount_of(one.outpayment),
            )
            for one in found.calls
        ],
        announcements={one: _announcement(terms, found.message, one) for one in LANGUAGES},
    )


def _announcement(terms: PremiumTerms, parts: Sequence[str], language: str) -> str:
    message = message_phrases(
        parts, retail=terms.retail, provider=terms.publisher, service=terms.service
    )
    return " ".join(transcript(phrase, language) for phrase in message)
