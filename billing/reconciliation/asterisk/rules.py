"""Our paid time against Asterisk's: pure. A cause counts only if it explains the very seconds."""

from collections.abc import Sequence
from typing import Final

from billing.calls.rules import sounding_until_ms
from billing.calls.values import Interval
from billing.reconciliation.asterisk.values import (
    Cause,
    Difference,
    Reach,
    Recorded,
    Span,
    Written,
)

TOLERANCE_MS: Final = 20
"""One packet of voice. Two clocks cut to ms are apart by 1 ms at each end."""

EXACT_MS: Final = 1
SECOND_MS: Final = 1_000 + TOLERANCE_MS
"""Asterisk looks for silence by whole seconds of its clock, which may turn between two lines."""

_SAYS: Final = {
    Cause.ASTERISK_DIED: "Asterisk's record has no end of the talk, as if it had died in it: paid"
    " up to the last heartbeat.",
    Cause.CLOCK_STEP: "The clock was set ahead in the talk: billed by the steady one.",
    Cause.MEDIA_LOST: "A leg was hung up because it sent no sound: paid until it was last heard.",
    Cause.NO_SOUND: "A leg sent no packet in the whole of a paid talk: it costs nothing.",
    Cause.RECORD_LATE: "The call has just ended, and Asterisk's record isn't read so far yet.",
    Cause.RECORD_EXPIRED: "The call is older than the record that is kept.",
    Cause.RECORD_MISSING: "Asterisk's record should have this talk and lacks some of it.",
    Cause.NOT_BILLED: "Asterisk's record has paid talk that we never billed.",
    Cause.UNEXPLAINED: "Nothing that we know of explains it.",
}


def total_ms(spans: Sequence[Span]) -> int:
    """Sum up spans: 0 to 1 500 and 2 000 to 2 250 are 1 750 ms."""
    return sum(end - start for start, end in spans)


def off_ms(ours: Sequence[Span], theirs: Sequence[Span]) -> int:
    """Give for how long exactly one of both is on.

    0 to 1 000 against 21 to 1 021: 42 ms, though both last a second.
    """
    edges = sorted(
        [(at, who, step) for who, spans in ((0, ours), (1, theirs)) for span in spans
         for at, step in zip(span, (1, -1), strict=True)]
    )  # fmt: skip
    on = [0, 0]
    off = last = 0
    for at, who, step in edges:
        # Time that one side has twice counts twice: it would be billed twice.
        off += abs(on[0] - on[1]) * (at - last)
        on[who] += step
        last = at
    return off


def is_exact(ours: Sequence[Span], theirs: Sequence[Span]) -> bool:
    """Whether each beginning and end agrees to the millisecond that both clocks are cut to."""
    return len(ours) == len(theirs) and all(
        abs(mine - his) <= EXACT_MS
        for one, other in zip(sorted(ours), sorted(theirs), strict=True)
        for mine, his in zip(one, other, strict=True)
    )


def compare(ours: Written, theirs: Recorded, reach: Reach) -> tuple[Difference, ...]:
    """List what differs in a call that ended; nothing: it is right to 20 ms, and so is its charge.

    300.000 s billed and 300.021 s recorded, with nothing that explains it: unexplained.
    """
    found = [*_talk(ours, theirs, reach), *_charge(ours)]
    if ours.premium:
        found += _meter(ours, theirs, reach)
    elif ours.overrun_ms > TOLERANCE_MS:
        talked = total_ms(ours.spans)
        sentence = f"{ours.overrun_ms} ms were talked past the grant and not billed."
        billed = talked - ours.overrun_ms
        found.append(
            _difference(ours, "overrun", billed, talked, ours.overrun_ms, Cause.OVERRUN, sentence)
        )
    return tuple(found)


def closed(intervals: Sequence[Interval]) -> tuple[Span, ...]:
    """Give the intervals that have an end."""
    return tuple((one.start_ms, one.end_ms) for one in intervals if one.end_ms is not None)


def _talk(ours: Written, theirs: Recorded, reach: Reach) -> list[Difference]:
    known = closed(theirs.intervals)
    off = off_ms(ours.spans, known)
    whole = len(known) == len(theirs.intervals)
    if off <= TOLERANCE_MS and whole and (theirs.known or not ours.spans):
        return _unknown(ours, theirs, reach)
    mine, his = total_ms(ours.spans), total_ms(known) if known else None
    # Of an old call some lines may be there still: they prove nothing without the others.
    cause = Cause.RECORD_EXPIRED if _past(ours, reach) else _cause(ours, theirs, reach)
    return [_difference(ours, "talk", mine, his, off, cause)]


def _unknown(ours: Written, theirs: Recorded, reach: Reach) -> list[Difference]:
    """A call that Asterisk never saw is wrong even if nobody paid for it."""
    if theirs.known or _past(ours, reach):
        return []
    cause = _absent(ours, reach)
    return [_difference(ours, "call", 0, None, 0, cause)]


def _past(ours: Written, reach: Reach) -> bool:
    return ours.received_ms < reach.kept_from_ms


def _absent(ours: Written, reach: Reach) -> Cause:
    if _past(ours, reach):
        return Cause.RECORD_EXPIRED
    if ours.ended_ms > reach.now_ms - reach.late_ms:
        return Cause.RECORD_LATE
    return Cause.RECORD_MISSING


def _cause(ours: Written, theirs: Recorded, reach: Reach) -> Cause:
    known = closed(theirs.intervals)
    if theirs.known and not theirs.ended and _fits(ours, _until_heartbeat(ours, theirs)):
        return Cause.ASTERISK_DIED
    if ours.stepped_ms > 0 and _is_stepped(ours, known):
        return Cause.CLOCK_STEP
    silence = _silence(ours, known, theirs.media_lost_ms)
    if silence is not None:
        return silence
    if not ours.spans:
        return Cause.NOT_BILLED
    if len(known) < len(ours.spans) or len(known) < len(theirs.intervals):
        return _absent(ours, reach)
    return Cause.UNEXPLAINED


def _fits(ours: Written, spans: Sequence[Span]) -> bool:
    return off_ms(ours.spans, spans) <= TOLERANCE_MS


def _until_heartbeat(ours: Written, theirs: Recorded) -> list[Span]:
    """Give what a restart bills: what the record lacks is as we wrote it, to the heartbeat."""
    intervals = (*theirs.intervals, *ours.begun[len(theirs.intervals) :])
    return [(one.start_ms, one.end_ms or max(one.start_ms, ours.last_seen_ms)) for one in intervals]


def _is_stepped(ours: Written, known: Sequence[Span]) -> bool:
    """Whether our time is shorter than the record's by just as much as the clock was set ahead."""
    ahead = total_ms(known) - total_ms(ours.spans)
    return (
        len(known) == len(ours.spans)
        and abs(ahead - ours.stepped_ms) <= TOLERANCE_MS
        and abs(off_ms(ours.spans, known) - ours.stepped_ms) <= TOLERANCE_MS
    )


def _silence(ours: Written, known: Sequence[Span], lost_ms: int | None) -> Cause | None:
    """What was taken off because nothing was heard, if it explains the difference."""
    if _is_silent(ours, known, lost_ms):
        return Cause.MEDIA_LOST
    return Cause.NO_SOUND if ours.no_sound and _is_soundless(ours, known) else None


def _is_silent(ours: Written, known: Sequence[Span], lost_ms: int | None) -> bool:
    """Whether each talk ends as recorded, or when the leg was last heard, to Asterisk's second."""
    if lost_ms is None or not ours.silent_seconds or len(known) != len(ours.spans):
        return False
    until_ms = sounding_until_ms(lost_ms, ours.silent_seconds)

    def fits(mine: Span, his: Span) -> bool:
        heard = (his[0], max(his[0], min(his[1], until_ms)))
        return off_ms([mine], [his]) <= TOLERANCE_MS or off_ms([mine], [heard]) <= SECOND_MS

    return all(fits(mine, his) for mine, his in zip(sorted(ours.spans), sorted(known), strict=True))


def _is_soundless(ours: Written, known: Sequence[Span]) -> bool:
    """Whether each talk is as recorded, or begins as recorded and has no length."""
    return len(known) == len(ours.spans) and all(
        off_ms([mine], [his]) <= TOLERANCE_MS
        or (mine[0] == mine[1] and abs(mine[0] - his[0]) <= TOLERANCE_MS)
        for mine, his in zip(sorted(ours.spans), sorted(known), strict=True)
    )


def _meter(ours: Written, theirs: Recorded, reach: Reach) -> list[Difference]:
    """From answer to release; where the record has no release, up to the last sign of life."""
    mine = [ours.meter] if ours.meter else []
    meter = theirs.meter
    known = closed([meter]) if meter else ()
    if _difference_free(mine, known) and (meter is None or known):
        return []
    cause = Cause.UNEXPLAINED
    last = max([ours.last_seen_ms, *(end for _, end in ours.spans)])
    until = [(meter.start_ms, max(meter.start_ms, last))] if meter else []
    if meter is not None and not known:
        cause = Cause.ASTERISK_DIED if _difference_free(mine, until) else _absent(ours, reach)
    elif meter is None:
        cause = _absent(ours, reach)
    elif not mine:
        cause = Cause.NOT_BILLED
    if _past(ours, reach):
        cause = Cause.RECORD_EXPIRED
    his = total_ms(known) if known else None
    off = off_ms(mine, known)
    return [_difference(ours, "meter", total_ms(mine), his, off, cause)]


def _difference_free(mine: Sequence[Span], his: Sequence[Span]) -> bool:
    return off_ms(mine, his) <= TOLERANCE_MS


def _charge(ours: Written) -> list[Difference]:
    found = []
    if ours.rating is not None:
        found.append(_difference(ours, "charge", ours.charge, None, 0, Cause.CHARGE, ours.rating))
    if ours.posted != ours.charge:
        sentence = (
            f"Its settlement says {ours.charge} ledger units, its transfers post {ours.posted}."
        )
        found.append(
            _difference(ours, "charge", ours.charge, ours.posted, 0, Cause.CHARGE, sentence)
        )
    return found


def _difference(
    ours: Written,
    what: str,
    mine: int | None,
    his: int | None,
    off: int,
    cause: Cause,
    sentence: str | None = None,
) -> Difference:
    said = sentence or _SAYS[cause]
    return Difference(ours.call_id, ours.received_ms, what, mine, his, off, cause, said)
