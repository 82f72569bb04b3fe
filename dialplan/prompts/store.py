"""The sound files: found during a call, made before it."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from billing.kit.errors import PrimelineError
from billing.kit.languages import LANGUAGES
from dialplan.prompts import sound
from dialplan.prompts.index import RECORDING, Entry, Index, locked
from dialplan.prompts.numbers import UnsayableValue
from dialplan.prompts.sentences import VALUED, texts
from dialplan.prompts.values import Phrase
from dialplan.prompts.voices import NoVoice, Voice

Progress = Callable[[str, int, int, str], None]
"""Told after each sound made: language, how many are made, of how many, the text."""

_SAVE_EVERY: Final = 50


class PromptMissing(PrimelineError):
    """A phrase has no sound file: the caller of it must say something else, never a wrong value."""

    code = "prompt-missing"

    def __init__(self, phrase: Phrase, language: str, text: str) -> None:
        super().__init__(f"The prompt {phrase.id!r} in {language!r} isn't rendered: {text!r}.")


@dataclass(frozen=True, slots=True)
class _Piece:
    """One sound file wanted."""

    stem: str
    id: str
    text: str
    voice: str
    made_from: str
    recording: Path | None = None


class PromptStore:
    """Prompts below `directory`: `<language>/<id>.wav`, or `<language>/<id>-<hash>.wav` if valued.

    `voices` by language say what is missing; without any, the store only finds what is there.
    A recorded `recordings/<language>/<id>.wav` wins over every voice, once `ensure` took it in.
    """

    def __init__(self, directory: Path, voices: Mapping[str, Voice] | None = None) -> None:
        self.directory = directory.absolute()
        self.voices: Mapping[str, Voice] = voices or {}
        self._indexes: dict[str, tuple[tuple[int, int, int], Index]] = {}

    def media(self, phrase: Phrase, language: str) -> tuple[str, ...]:
        """Give the paths of a phrase's files, in order, without extension.

        Never renders. Raises PromptMissing, and UnsayableValue for a value without a sentence.
        """
        index = self._index(language)
        # Plain strings: several times a call, and Path takes longer to join than to ask the disk.
        folder = f"{self.directory}/{language}"
        found: list[str] = []
        for text in texts(phrase, language):
            stem = index.stem(phrase.id, text) if phrase.id in VALUED else phrase.id
            path = f"{folder}/{stem}"
            if stem is None or not os.path.isfile(f"{path}.wav"):  # noqa: PTH113
                raise PromptMissing(phrase, language, text)
            found.append(path)
        return tuple(found)

    def lacks(self, phrase: Phrase) -> bool:
        """Whether `ensure` has something to make, in a language that anything was rendered in."""
        rendered = [language for language in LANGUAGES if self._index(language).entries]
        try:
            for language in rendered:
                self.media(phrase, language)
        except PromptMissing:
            return True
        except UnsayableValue:
            return False
        return not rendered

    def lasts_ms(self, phrases: Iterable[Phrase], language: str) -> int:
        """Give how long phrases last, one after the other. Raises what `media` raises."""
        paths = [path for phrase in phrases for path in self.media(phrase, language)]
        return sum(sound.lasts_ms(Path(f"{path}.wav")) for path in paths)

    def entry(self, path: str) -> Entry:
        """Give the proof of what a path of `media` says; raises KeyError."""
        file = Path(path)
        return self._index(file.parent.name).entries[file.name]

    def ensure(
        self, phrases: Iterable[Phrase], languages: Iterable[str], progress: Progress | None = None
    ) -> int:
        """Make every file that is missing, stale or damaged; gives how many were made.

        Blocks for as long as the voices need. Raises UnusableSound for a recording that can't be
        played, UnsayableValue, NoVoice and VoiceFailed; what was made until then stays.
        """
        wanted = tuple(phrases)
        made = 0
        for language in languages:
            with locked(self.directory / language):
                made += self._ensure(wanted, language, progress)
        return made

    def _ensure(self, phrases: tuple[Phrase, ...], language: str, progress: Progress | None) -> int:
        folder = self.directory / language
        index = Index.load(folder / "index.json")
        pieces = {
            piece.stem: piece for phrase in phrases for piece in self._pieces(phrase, language)
        }
        missing: list[_Piece] = []
        changed = False
        for piece in pieces.values():
            entry = index.entries.get(piece.stem)
            if entry is None or not _intact(folder / f"{piece.stem}.wav", entry, piece):
                missing.append(piece)
            elif piece.id in VALUED and index.stem(piece.id, piece.text) != piece.stem:
                index.put(piece.stem, entry)
                changed = True
        made = 0
        try:
            for piece, samples in self._sounds(missing, language):
                path = folder / f"{piece.stem}.wav"
                if piece.recording is not None:
                    _copy(piece.recording, path)
                else:
                    sound.write(path, samples)
                index.put(piece.stem, _entry(piece, path))
                made += 1
                if made % _SAVE_EVERY == 0:
                    index.save(folder / "index.json")
                if progress is not None:
                    progress(language, made, len(missing), piece.text)
        finally:
            if made or changed:
                index.save(folder / "index.json")
        return made

    def _pieces(self, phrase: Phrase, language: str) -> Iterable[_Piece]:
        recording = self.directory / "recordings" / language / f"{phrase.id}.wav"
        voice = self.voices.get(language)
        for text in texts(phrase, language):
            if phrase.id not in VALUED and recording.is_file():
                sound.check_recording(recording)
                made_from = _hash(RECORDING, language, text, recording.read_bytes())
                yield _Piece(phrase.id, phrase.id, text, RECORDING, made_from, recording)
            elif voice is None:
                raise NoVoice(language)
            else:
                signal = sound.SIGNALS.get(phrase.id, sound.pause(0)).tobytes()
                made_from = _hash(voice.name, language, text, signal)
                stem = f"{phrase.id}-{made_from}" if phrase.id in VALUED else phrase.id
                yield _Piece(stem, phrase.id, text, voice.name, made_from)

    def _sounds(
        self, pieces: list[_Piece], language: str
    ) -> Iterable[tuple[_Piece, sound.Samples]]:
        spoken = [piece for piece in pieces if piece.recording is None and piece.text]
        for piece in pieces:
            if piece not in spoken:
                yield piece, sound.SIGNALS.get(piece.id, sound.pause(0))
        if not spoken:
            return
        voice = self.voices[language]
        said = voice.render([piece.text for piece in spoken])
        for piece, samples in zip(spoken, said, strict=True):
            signal = sound.SIGNALS.get(piece.id)
            yield piece, samples if signal is None else np.concatenate((signal, samples))

    def _index(self, language: str) -> Index:
        path = f"{self.directory}/{language}/index.json"
        try:
            status = os.stat(path)  # noqa: PTH116
        except FileNotFoundError:
            return Index({})
        # Two changes can fall into one tick of the file system's clock.
        version = (status.st_mtime_ns, status.st_ino, status.st_size)
        known = self._indexes.get(language)
        if known is None or known[0] != version:
            known = self._indexes[language] = (version, Index.load(Path(path)))
        return known[1]


def _intact(path: Path, entry: Entry, piece: _Piece) -> bool:
    return (
        entry.made_from == piece.made_from
        and path.is_file()
        and hashlib.sha256(path.read_bytes()).hexdigest() == entry.checksum
    )


def _entry(piece: _Piece, path: Path) -> Entry:
    return Entry(
        id=piece.id,
        text=piece.text,
        voice=piece.voice,
        made_from=piece.made_from,
        checksum=hashlib.sha256(path.read_bytes()).hexdigest(),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _copy(source: Path, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, temporary)
    temporary.replace(target)


def _hash(voice: str, language: str, text: str, other: bytes) -> str:
    digest = hashlib.sha256(f"{voice}\0{language}\0{text}\0".encode() + other)
    return digest.hexdigest()[:16]
