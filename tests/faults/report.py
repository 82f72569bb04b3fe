"""What a campaign found: a table for people, JSON for programs, and whether all is right."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from tests.faults.plays import Play, Played
from tests.faults.points import Point, Victim, Way
from tests.faults.verdicts import Wrong

HEALED_SECONDS: Final = 60
KILLED: Final = (Victim.APP, Victim.ASTERISK, Victim.POSTGRES, Victim.WORKER)


@dataclass(frozen=True, slots=True)
class Hit:
    """A call that was at a point, by its rows, as something was done to a victim."""

    point: Point
    victim: Victim
    way: Way
    call_id: str


@dataclass
class Report:
    """All of a campaign. `heal_ms`: of each call in a strike, from then to its settlement.

    `full`: long enough for everything that people do in a talk to be played.
    """

    seed: int
    full: bool = False
    seconds: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    rounds: int = 0
    strikes: int = 0
    hits: list[Hit] = field(default_factory=list)
    plays: dict[Play, Played] = field(default_factory=lambda: {play: Played() for play in Play})
    calls: int = 0
    charged_calls: int = 0
    heal_ms: list[int] = field(default_factory=list)
    lost_ms: list[int] = field(default_factory=list)
    wrongs: list[Wrong] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    """What `books check` and the look at Asterisk at the end said."""

    @property
    def money_wrong(self) -> int:
        """Ledger units that somebody has too many or too few of."""
        return sum(wrong.amount for wrong in self.wrongs)

    def kills(self, point: Point, victim: Victim | None = None) -> int:
        """Count the hits of a point by SIGKILL."""
        return sum(
            hit.point is point and hit.way is Way.KILL and victim in {None, hit.victim}
            for hit in self.hits
        )

    def other_hits(self, point: Point) -> int:
        """Count the hits of a point by a freeze or a cut socket."""
        return sum(hit.point is point and hit.way is not Way.KILL for hit in self.hits)

    def failures(self) -> list[str]:
        """Say all that keeps the campaign from being right."""
        missed = [f"no kill at the point: {point}" for point in Point if not self.kills(point)]
        unplayed = [play for play, played in self.plays.items() if self.full and not played.calls]
        slow = [ms for ms in self.heal_ms if ms > HEALED_SECONDS * 1_000]
        return [
            *missed,
            *(f"never played: {play}" for play in unplayed),
            *(f"{wrong.whose}: {wrong.what} ({wrong.amount})" for wrong in self.wrongs),
            *self.findings,
            *(f"healed only after {ms / 1_000:.1f} s" for ms in slow),
            *([] if self.calls else ["no call was made"]),
            *([] if self.charged_calls else ["no call was charged"]),
        ]

    @property
    def right(self) -> bool:
        """Whether the campaign passes."""
        return not self.failures()


def table(report: Report) -> str:
    """Write the campaign as Markdown."""
    rows = [[str(point), *_counts(report, point)] for point in Point]
    heading = ["point", *(f"kill {victim}" for victim in KILLED), "frozen or cut"]
    lines = [_row(heading), _row(["---"] * len(heading)), *map(_row, rows), ""]
    lines += [_row(["played", "calls", "of them in a blow"]), _row(["---"] * 3)]
    lines += [
        _row([str(play), str(played.calls), str(played.struck)])
        for play, played in report.plays.items()
    ]
    lines.append("")
    heal = sorted(report.heal_ms)
    facts = {
        "seed": report.seed,
        "seconds": report.seconds,
        "rounds": report.rounds,
        "strikes": report.strikes,
        "calls": report.calls,
        "of them charged": report.charged_calls,
        "money wrong (ledger units)": report.money_wrong,
        "most talk that nobody paid (s)": f"{max(report.lost_ms, default=0) / 1_000:.1f}",
        "healed in (s), median": f"{_middle(heal) / 1_000:.1f}",
        "healed in (s), longest": f"{max(heal, default=0) / 1_000:.1f}",
        "verdict": "all right" if report.right else "WRONG",
    }
    lines += [_row(["", ""]), _row(["---", "---"])]
    lines += [_row([name, str(value)]) for name, value in facts.items()]
    lines += [f"\n- {failure}" for failure in report.failures()]
    return "\n".join(lines) + "\n"


def _counts(report: Report, point: Point) -> list[str]:
    kills = [str(report.kills(point, victim)) for victim in KILLED]
    return [*kills, str(report.other_hits(point))]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _middle(values: Sequence[int]) -> int:
    return values[len(values) // 2] if values else 0


def to_json(report: Report) -> str:
    """Write the campaign for programs."""
    values: dict[str, Any] = asdict(report) | {
        "money_wrong": report.money_wrong,
        "failures": report.failures(),
        "right": report.right,
    }
    return json.dumps(values, indent=1) + "\n"
