"""Sounds compared and talks measured, on sounds made here."""

import math
import random
import wave
from array import array
from pathlib import Path

import pytest

from primeline import sound
from primeline.phones import SILENCE, Frame, Heard, recording, tone
from primeline.sound import Span

START_US = 1_800_000_000_000_000


def noise(seed: int, seconds: float = 1.0) -> "array[int]":
    dice = random.Random(seed)
    return array("h", (dice.randrange(-6000, 6000) for _ in range(int(8000 * seconds))))


def frames(payloads: list[bytes], start_us: int = START_US) -> Heard:
    return Heard(
        Frame(start_us + place * 20_000, start_us + place * 20_000, payload)
        for place, payload in enumerate(payloads)
    )


def spoken(hz: int, count: int) -> list[bytes]:
    return [tone(hz).frames[place % 50] for place in range(count)]


QUIET = list(SILENCE.frames)


def test_a_sound_is_found_where_it_begins_however_loud() -> None:
    prompt = noise(1)
    heard = array("h", [0] * 4000) + array("h", (value // 4 for value in prompt))
    assert sound.find(heard, prompt) == 500
    assert sound.correlation(heard, prompt) > 0.99


def test_another_sound_is_not_found() -> None:
    assert sound.find(noise(1, 2), noise(2)) is None
    assert sound.correlation(noise(1, 2), noise(2)) < 0.1


def test_nothing_heard_is_like_nothing() -> None:
    assert sound.correlation(array("h"), noise(1)) == 0
    assert sound.correlation(array("h", [0] * 8000), noise(1)) < 0.01


def test_a_prompt_cut_in_half_still_counts_by_its_share() -> None:
    prompt = noise(1)
    assert 0.6 < sound.correlation(prompt[: len(prompt) // 2], prompt) < 0.8


def test_the_best_of_several_candidates_comes_first() -> None:
    heard = noise(3, 0.3) + noise(2)
    ranked = sound.which(heard, {"one": noise(1), "two": noise(2)})
    assert [name for name, _ in ranked] == ["two", "one"]
    assert ranked[0][1].start_ms == 300


@pytest.mark.parametrize(
    ("heard_ms", "expected_ms", "agree"),
    [
        (1000, 1000, True),
        (1050, 1000, True),
        (1051, 1000, False),
        (949, 1000, False),
        (120, 100, True),
    ],
)
def test_durations_agree_within_five_per_cent(
    heard_ms: int, expected_ms: int, *, agree: bool
) -> None:
    assert sound.durations_agree(heard_ms, expected_ms) is agree


def test_silence_at_both_ends_does_not_count_as_sound() -> None:
    assert sound.sound_ms(array("h", [0] * 800) + array("h", [5000] * 1600 + [0] * 99)) == 200
    assert sound.sound_ms(array("h", [0] * 800)) == 0


def test_only_the_asked_tone_makes_a_voice_span() -> None:
    heard = frames(QUIET * 5 + spoken(600, 10) + spoken(400, 20) + QUIET * 5)
    assert sound.voice_spans(heard, 400) == [Span(START_US + 300_000, START_US + 680_000)]
    assert sound.voice_spans(heard, 400)[0].duration_ms == 400
    assert sound.voice_spans(heard, 1000) == []


def test_a_short_pause_does_not_part_a_voice_and_a_long_one_does() -> None:
    short = frames(spoken(400, 10) + QUIET * 3 + spoken(400, 10))
    long = frames(spoken(400, 10) + QUIET * 6 + spoken(400, 10))
    assert len(sound.voice_spans(short, 400)) == 1
    assert len(sound.voice_spans(long, 400)) == 2
    assert sound.whole_span(sound.voice_spans(long, 400)).duration_ms == 520


def test_a_voice_is_known_by_its_very_frames(tmp_path: Path) -> None:
    path = tmp_path / "voice.wav"
    samples = noise(5, 0.2) + array("h", [0] * 1600) + noise(6, 0.1)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        file.writeframes(samples.tobytes())
    voice = recording(path)
    heard = frames(QUIET * 5 + list(voice.frames) + QUIET * 5)
    spans = sound.carried_spans(heard, set(voice.frames))
    assert [span.duration_ms for span in spans] == [500]


def test_a_voice_never_heard_has_no_span() -> None:
    with pytest.raises(ValueError, match="never heard"):
        sound.whole_span([])


@pytest.mark.parametrize(
    ("caller_ms", "expert_ms", "error_ms"),
    [(25_000, 25_000, 0), (25_040, 25_020, 40), (24_980, 25_010, -20), (24_990, 25_060, 60)],
)
def test_a_cuts_error_is_the_worse_of_both_phones(
    caller_ms: int, expert_ms: int, error_ms: int
) -> None:
    spans = [Span(7, 7 + (length - 20) * 1000) for length in (caller_ms, expert_ms)]
    assert sound.cut_error_ms(spans[0], spans[1], 25) == error_ms


def test_a_gap_in_the_packets_is_silence_in_the_samples() -> None:
    late = Frame(START_US + 500_000, START_US + 500_000, tone(400).frames[0])
    heard = Heard([*frames(spoken(400, 5)), late])
    assert len(heard.samples()) == 8 * 520
    assert not any(heard.samples()[800:4000])
    assert heard.duration_ms == 520


def test_two_recordings_are_laid_side_by_side_in_time(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    left, right = frames(spoken(400, 50)), frames(spoken(600, 50), START_US + 250_000)
    sound.stereo_wav(path, left, right)
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 8000, 10_000)
        both = array("h", file.readframes(10_000))
    assert not any(both[1:4000:2])
    assert max(both[4001::2]) == pytest.approx(8000, rel=0.05)
    assert not any(both[16_000::2])


def test_a_tone_is_pure() -> None:
    samples = frames(spoken(400, 50)).samples()
    ideal = [round(8000 * math.sin(2 * math.pi * 400 * n / 8000)) for n in range(8000)]
    assert sound.correlation(samples, ideal) > 0.999
