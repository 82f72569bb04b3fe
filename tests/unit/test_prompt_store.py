import itertools
import multiprocessing
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from billing.money.values import Money
from dialplan.prompts import sound
from dialplan.prompts.__main__ import main
from dialplan.prompts.needed import fixed_phrases
from dialplan.prompts.sound import Samples, UnusableSound
from dialplan.prompts.store import PromptMissing, PromptStore
from dialplan.prompts.testvoice import TestVoice
from dialplan.prompts.values import Phrase
from dialplan.prompts.voices import NoVoice, VoiceFailed

TWELVE_THIRTY = Phrase("amount", Money.of_minor(1230, "EUR"))


@dataclass(frozen=True)
class OtherVoice:
    """The test voice under another name; stops after `texts_said`."""

    name: str = "other"
    natural: bool = True
    texts_said: int = 1_000

    def render(self, texts: Sequence[str]) -> Iterator[Samples]:
        for said, samples in enumerate(TestVoice().render([f"other {text}" for text in texts])):
            if said == self.texts_said:
                raise VoiceFailed(self.name, "it is hoarse")
            yield samples


def stored(directory: Path) -> PromptStore:
    return PromptStore(directory, {"en": TestVoice(), "fr": TestVoice()})


def samples_of(path: str | Path) -> Samples:
    samples, rate_hz = sound.read(Path(f"{path}.wav"))
    assert rate_hz == 8_000
    return samples


def likeness(one: Samples, other: Samples) -> float:
    """Give the greatest correlation of two sounds at any shift, 0 to 1."""
    length = one.size + other.size
    product = np.fft.rfft(one, length) * np.conj(np.fft.rfft(other, length))
    energy = np.sqrt(np.sum(one**2) * np.sum(other**2))
    return float(np.abs(np.fft.irfft(product, length)).max() / energy)


def test_what_was_ensured_is_found(tmp_path: Path) -> None:
    store = stored(tmp_path)
    assert store.ensure([Phrase("apology"), TWELVE_THIRTY], ["en", "fr"]) == 6
    assert store.media(Phrase("apology"), "fr") == (str(tmp_path / "fr" / "apology"),)
    euros, and_cents = store.media(TWELVE_THIRTY, "fr")
    assert Path(euros).name.startswith("amount-")
    assert store.entry(euros).text == "douze euros"
    assert store.entry(and_cents).text == "et trente centimes"
    assert {Path(f"{path}.wav").is_file() for path in (euros, and_cents)} == {True}


def test_nothing_is_made_twice(tmp_path: Path) -> None:
    assert stored(tmp_path).ensure([TWELVE_THIRTY], ["en"]) == 2
    assert stored(tmp_path).ensure([TWELVE_THIRTY], ["en"]) == 0


def test_a_missing_prompt_is_an_error_and_no_wrong_value(tmp_path: Path) -> None:
    store = stored(tmp_path)
    store.ensure([Phrase("amount", Money.of_minor(1200, "EUR"))], ["en"])
    for phrase in (TWELVE_THIRTY, Phrase("welcome")):
        with pytest.raises(PromptMissing):
            store.media(phrase, "en")
    with pytest.raises(PromptMissing):
        store.media(Phrase("welcome"), "fr")


def test_a_phrase_lacks_where_one_language_misses_it(tmp_path: Path) -> None:
    store = stored(tmp_path)
    assert store.lacks(TWELVE_THIRTY)
    store.ensure([Phrase("apology")], ["fr"])
    store.ensure([TWELVE_THIRTY], ["en"])
    assert store.lacks(TWELVE_THIRTY)
    store.ensure([TWELVE_THIRTY], ["fr"])
    assert not store.lacks(TWELVE_THIRTY)


def test_what_no_voice_can_say_does_not_lack(tmp_path: Path) -> None:
    store = stored(tmp_path)
    store.ensure([TWELVE_THIRTY], ["en"])
    assert not store.lacks(Phrase("amount", Money.of_minor(-1, "EUR")))


def test_a_deleted_file_is_missing_until_it_is_made_again(tmp_path: Path) -> None:
    store = stored(tmp_path)
    store.ensure([Phrase("welcome")], ["en"])
    (tmp_path / "en" / "welcome.wav").unlink()
    with pytest.raises(PromptMissing):
        store.media(Phrase("welcome"), "en")
    assert store.ensure([Phrase("welcome")], ["en"]) == 1
    assert store.media(Phrase("welcome"), "en")


def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    store = stored(tmp_path)
    store.ensure([Phrase("welcome")], ["en"])
    file = tmp_path / "en" / "welcome.wav"
    sound_before = file.read_bytes()
    file.write_bytes(sound_before[:-2])
    assert store.ensure([Phrase("welcome")], ["en"]) == 1
    assert file.read_bytes() == sound_before


def test_a_store_sees_what_another_process_made(tmp_path: Path) -> None:
    reader = PromptStore(tmp_path)
    stored(tmp_path).ensure([Phrase("welcome")], ["en"])
    assert reader.media(Phrase("welcome"), "en")
    stored(tmp_path).ensure([TWELVE_THIRTY], ["en"])
    assert len(reader.media(TWELVE_THIRTY, "en")) == 2


def test_another_voice_replaces_sentences_and_keeps_the_proof_of_values(tmp_path: Path) -> None:
    phrases = [Phrase("welcome"), TWELVE_THIRTY]
    stored(tmp_path).ensure(phrases, ["en"])
    before = PromptStore(tmp_path).media(TWELVE_THIRTY, "en")
    other = PromptStore(tmp_path, {"en": OtherVoice()})
    assert other.ensure(phrases, ["en"]) == 3
    after = other.media(TWELVE_THIRTY, "en")
    assert not set(before) & set(after)
    assert {other.entry(path).voice for path in after} == {"other"}
    assert {other.entry(path).voice for path in before} == {"primeline test voice"}
    assert other.entry(other.media(Phrase("welcome"), "en")[0]).voice == "other"
    # Back to the first: its values are there still.
    assert stored(tmp_path).ensure(phrases, ["en"]) == 1
    assert PromptStore(tmp_path).media(TWELVE_THIRTY, "en") == before


def test_changed_words_are_said_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = stored(tmp_path)
    store.ensure([Phrase("welcome")], ["en"])
    monkeypatch.setattr("dialplan.prompts.sentences.catalogue", lambda _: {"welcome": "Hello."})
    assert store.ensure([Phrase("welcome")], ["en"]) == 1
    assert store.entry(store.media(Phrase("welcome"), "en")[0]).text == "Hello."


def test_a_recording_wins_and_its_removal_brings_the_voice_back(tmp_path: Path) -> None:
    recording = tmp_path / "recordings" / "en" / "welcome.wav"
    recording.parent.mkdir(parents=True)
    sound.write(recording, sound.beep(440, 500))
    store = stored(tmp_path)
    store.ensure([Phrase("welcome")], ["en"])
    (path,) = store.media(Phrase("welcome"), "en")
    assert Path(f"{path}.wav").read_bytes() == recording.read_bytes()
    assert store.entry(path).voice == "recording"
    assert store.ensure([Phrase("welcome")], ["en"]) == 0
    recording.unlink()
    assert store.ensure([Phrase("welcome")], ["en"]) == 1
    assert store.entry(path).voice == "primeline test voice"


def test_recordings_need_no_voice(tmp_path: Path) -> None:
    recording = tmp_path / "recordings" / "fr" / "welcome.wav"
    recording.parent.mkdir(parents=True)
    sound.write(recording, sound.beep(440, 500))
    store = PromptStore(tmp_path)
    assert store.ensure([Phrase("welcome")], ["fr"]) == 1
    with pytest.raises(NoVoice):
        store.ensure([Phrase("goodbye")], ["fr"])


@pytest.mark.parametrize(
    ("rate_hz", "channels", "bytes_per_sample", "says"),
    [
        (16_000, 1, 2, "16000 samples a second"),
        (8_000, 2, 2, "not mono"),
        (8_000, 1, 1, "not mono"),
    ],
)
def test_a_recording_asterisk_cannot_play_is_refused(
    tmp_path: Path, rate_hz: int, channels: int, bytes_per_sample: int, says: str
) -> None:
    recording = tmp_path / "recordings" / "en" / "welcome.wav"
    recording.parent.mkdir(parents=True)
    with wave.open(str(recording), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(bytes_per_sample)
        file.setframerate(rate_hz)
        file.writeframes(b"\x11\x22" * 4_000)
    with pytest.raises(UnusableSound, match=says):
        stored(tmp_path).ensure([Phrase("welcome")], ["en"])


@pytest.mark.parametrize("content", [b"", b"RIFF", b"ID3 this is no WAV file at all"])
def test_a_recording_that_is_no_wav_file_is_refused(tmp_path: Path, content: bytes) -> None:
    recording = tmp_path / "recordings" / "en" / "welcome.wav"
    recording.parent.mkdir(parents=True)
    recording.write_bytes(content)
    with pytest.raises(UnusableSound, match="not a WAV file"):
        stored(tmp_path).ensure([Phrase("welcome")], ["en"])


def test_a_voice_that_fails_leaves_whole_files_and_the_rest_can_follow(tmp_path: Path) -> None:
    phrases = list(fixed_phrases())
    with pytest.raises(VoiceFailed, match="hoarse"):
        PromptStore(tmp_path, {"en": OtherVoice(texts_said=5)}).ensure(phrases, ["en"])
    files = {file.stem for file in (tmp_path / "en").glob("*.wav")}
    assert len(files) == 6  # and the tone
    for phrase in phrases:
        if phrase.id in files:
            assert samples_of(PromptStore(tmp_path).media(phrase, "en")[0]).size
    rest = PromptStore(tmp_path, {"en": OtherVoice()}).ensure(phrases, ["en"])
    assert rest == len(phrases) - 6


def _ensure_all(directory: Path) -> int:
    return stored(directory).ensure(fixed_phrases(), ["en", "fr"])


def test_two_processes_make_each_file_once(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        made = pool.map(_ensure_all, [tmp_path, tmp_path])
    assert sum(made) == 2 * len(list(fixed_phrases()))
    left = {file.name for file in (tmp_path / "en").iterdir()}
    assert left == {f"{phrase.id}.wav" for phrase in fixed_phrases()} | {"index.json", ".lock"}


def test_progress_is_told_for_each_sound(tmp_path: Path) -> None:
    told: list[tuple[str, int, int, str]] = []
    stored(tmp_path).ensure([TWELVE_THIRTY], ["fr"], lambda *step: told.append(step))
    assert told == [("fr", 1, 2, "douze euros"), ("fr", 2, 2, "et trente centimes")]


def test_the_prompts_of_the_test_voice_are_short_and_unlike_each_other(tmp_path: Path) -> None:
    store = stored(tmp_path)
    store.ensure(fixed_phrases(), ["en", "fr"])
    sounds = {
        (language, phrase.id): samples_of(store.media(phrase, language)[0])
        for phrase in fixed_phrases()
        for language in ("en", "fr")
    }
    for (language, id_), samples in sounds.items():
        assert samples.size <= 8_000 * 0.7, id_
        if id_ not in sound.SIGNALS:
            assert samples.size == pytest.approx(2_400, rel=0.02), (language, id_)
    for (one, first), (other, second) in itertools.combinations(sounds.items(), 2):
        if one[1] in sound.SIGNALS and one[1] == other[1]:
            continue  # the same signal in both languages
        assert likeness(first, second) < 0.2, (one, other)


def test_the_test_voice_is_the_same_on_every_machine(tmp_path: Path) -> None:
    once, again = TestVoice().render(["Welcome.", "Welcome."])
    assert np.array_equal(once, again)
    sound.write(tmp_path / "x.wav", once)
    assert likeness(once, samples_of(tmp_path / "x")) > 0.99


def test_a_voice_is_brought_to_the_telephone_without_its_silence() -> None:
    rate_hz = 22_050
    quiet = 0.02 * np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz)
    above_the_band = 0.5 * np.sin(2 * np.pi * 9_000 * np.arange(rate_hz) / rate_hz)
    silence = np.zeros(rate_hz)
    heard = sound.finish(np.concatenate((silence, quiet + above_the_band, silence)), rate_hz)
    assert heard.size == pytest.approx(8_000, abs=8_000 * 0.1)
    spectrum = np.abs(np.fft.rfft(heard))
    assert np.argmax(spectrum) * 8_000 / heard.size == pytest.approx(440, abs=2)
    # Folded back, 9 kHz would be heard at 1 kHz.
    alias = round(1_000 * heard.size / 8_000)
    assert spectrum[alias - 20 : alias + 20].max() < spectrum.max() / 100
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.09, rel=0.2)


def test_silence_is_no_speech() -> None:
    with pytest.raises(ValueError, match="silence"):
        sound.finish(np.zeros(8_000), 8_000)


def test_the_command_renders_and_names_the_voices(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--directory", str(tmp_path), "--voice", "test", "--languages", "fr"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "Voice for fr: primeline test voice" in said
    assert PromptStore(tmp_path).media(TWELVE_THIRTY, "fr")
    assert main(arguments) == 0
    assert "Prompts: 0 made" in capsys.readouterr().out
