"""Plots as SVG, written by hand: lines over one axis, with a legend. No library, no script."""

from html import escape
from typing import Final

from bench.values import Plot

WIDTH: Final = 640
HEIGHT: Final = 360
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 56
COLOURS: Final = ("#1f6f8b", "#d1495b", "#6a994e", "#8d6a9f")
TICKS: Final = 5
DOTTED: Final = 30
"""A line of more points is drawn without a dot at each."""


def drawn(plot: Plot) -> str:
    """Give the picture; the same plot is always the same text."""
    points = [point for line in plot.lines for point in line.points]
    widest = max([1, *(x for x, _ in points)])
    highest = max([1, *(y for _, y in points)])
    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(WIDTH // 2, 22, plot.title, size=15),
        _text(WIDTH // 2, HEIGHT - 10, plot.across),
        _text(14, HEIGHT // 2, plot.upward, turned=True),
    ]
    for tick in range(TICKS + 1):
        x, y = _x(widest * tick, widest * TICKS), _y(highest * tick, highest * TICKS)
        pieces += [
            f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#ddd"/>',
            _text(x, HEIGHT - BOTTOM + 18, _shown(widest * tick)),
            _text(LEFT - 8, y + 4, _shown(highest * tick), anchor="end"),
        ]
    for number, line in enumerate(plot.lines):
        colour = COLOURS[number % len(COLOURS)]
        places = [(_x(x, widest), _y(y, highest)) for x, y in line.points]
        path = " ".join(f"{x},{y}" for x, y in places)
        pieces.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        dots = places if len(places) <= DOTTED else []
        pieces += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in dots]
        top = TOP + 14 + 16 * number
        pieces.append(
            f'<rect x="{LEFT + 10}" y="{top - 9}" width="10" height="10" fill="{colour}"/>'
        )
        pieces.append(_text(LEFT + 26, top, line.name, anchor="start"))
    return "\n".join([*pieces, "</svg>", ""])


def _x(value: int, most: int) -> int:
    return LEFT + (WIDTH - LEFT - RIGHT) * value // most


def _y(value: int, most: int) -> int:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value // most


def _shown(times_ticks: int) -> str:
    tenths = times_ticks * 10 // TICKS
    return f"{tenths // 10}" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10}"


def _text(
    x: int, y: int, text: str, *, size: int = 12, anchor: str = "middle", turned: bool = False
) -> str:
    turn = f' transform="rotate(-90 {x} {y})"' if turned else ""
    place = f'x="{x}" y="{y}" font-family="sans-serif" font-size="{size}"'
    return f'<text {place} text-anchor="{anchor}"{turn}>{escape(text)}</text>'
