import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from dialplan.prompts import sound
from dialplan.prompts.programs import (
    EspeakVoice,
    PicoVoice,
    PiperVoice,
    best_voice,
    installed_voices,
)
from dialplan.prompts.voices import NoVoice, VoiceFailed

FAKE_PIPER = """\
import sys, time, wave
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
from pathlib import Path
folder = Path(options["-d"])
folder.mkdir()
for number, line in enumerate(open(options["-i"], encoding="utf-8")):
    if line.strip() == "stop":
        sys.exit(3)
    with wave.open(str(folder / f"{number + 9}.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22050)
        file.writeframes((b"\\x00\\x20" * 20 + b"\\x00\\xe0" * 20) * 50 * len(line.strip()))
"""


def program(path: Path, source: str) -> Path:
    path.write_text(f"#!{sys.executable}\n{source}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def fake_piper(folder: Path) -> PiperVoice:
    return PiperVoice(program(folder / "piper", FAKE_PIPER), folder / "en_GB-nobody.onnx")


def test_texts_are_said_in_order(tmp_path: Path) -> None:
    texts = ["a" * count for count in (3, 1, 5, 2, 9, 4, 8, 6, 7, 1, 2, 3)]
    said = [samples.size for samples in fake_piper(tmp_path).render(texts)]
    # 2 000 samples a letter at 22 050 Hz are 726 at 8 kHz.
    assert [round(size / 726) for size in said] == [len(text) for text in texts]


def test_a_program_that_stops_early_is_an_error(tmp_path: Path) -> None:
    said = fake_piper(tmp_path).render(["one", "stop", "two"])
    assert next(said).size
    with pytest.raises(VoiceFailed, match="ended after 1 of 3"):
        next(said)


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    loader = tree / "usr" / "lib" / "x86_64-linux-gnu" / "ld-linux-x86-64.so.2"
    (tree / "tmp").mkdir(parents=True)
    for voice in (PicoVoice("fr", tree), EspeakVoice("fr", tree)):
        with pytest.raises(VoiceFailed, match="no program loader"):
            list(voice.render(["un"]))
    loader.parent.mkdir(parents=True)
    program(loader, "raise SystemExit('no such program')")
    with pytest.raises(VoiceFailed, match="no such program"):
        list(EspeakVoice("fr", tree).render(["un"]))


def test_a_further_model_comes_before_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "piper", FAKE_PIPER)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    (tmp_path / "fr_FR-somebody.onnx").touch()
    assert best_voice("fr", models=tmp_path).name == "piper fr_FR-somebody"


def test_a_language_without_a_voice_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(NoVoice, match="espeak-ng"):
        best_voice("fr")


@pytest.mark.parametrize(("language", "text"), [("en", "one euro fifty"), ("fr", "un euro vingt")])
def test_voices_installed_here_speak(language: str, text: str) -> None:
    for voice in installed_voices(language):
        (samples,) = voice.render([text])
        assert 8_000 * 0.5 < samples.size < 8_000 * 3, voice.name
        assert np.abs(samples).max() > 0.1, voice.name
        assert np.abs(samples).max() <= 1, voice.name


def test_a_beep_is_as_long_as_asked_and_begins_and_ends_quietly() -> None:
    samples = sound.beep(1_000, 300)
    assert samples.size == 2_400
    assert abs(samples[0]) < 0.001
    assert abs(samples[-1]) < 0.001
