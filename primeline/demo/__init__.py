"""`primeline demo`: the whole system with real SIP phones, the main job shown step by step."""

import asyncio
import fcntl
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import typer
from rich.console import Console

from billing.kit.database import Sessions, make_engine, make_sessions
from billing.kit.errors import PrimelineError
from billing.kit.settings import Settings
from dialplan.prompts.programs import best_voice
from dialplan.prompts.showing import ensure_shown
from dialplan.prompts.store import PromptStore
from primeline.asterisk_conf import LOOPBACK, ROOT, Lines
from primeline.demo import cast, report
from primeline.demo.api import make_key, show_api
from primeline.demo.screen import Screen
from primeline.demo.softphone import invite
from primeline.demo.speech import voices
from primeline.demo.story import PremiumCall, Story
from primeline.demo.twilio import Provider, provider
from primeline.demo.words import Words
from primeline.sound import stereo_wav
from primeline.system import System, SystemConfig

MOST_DEMOS: Final = 9
SETTLED_SECONDS: Final = 5


class TooManyDemos(PrimelineError):
    """Every folder for a demo is in use."""

    code = "too-many-demos"

    def __init__(self) -> None:
        super().__init__(f"{MOST_DEMOS} demos run already; end one with Ctrl-C.")


def demo(
    host: Annotated[
        str,
        typer.Option(
            help="This machine's address in the local network: your own softphone may call from"
            " private networks then.",
            envvar="PRIMELINE_HOST",
        ),
    ] = LOOPBACK,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the outcome as one JSON line.", envvar="JSON")
    ] = False,
    recording: Annotated[
        Path, typer.Option(help="Where the call is kept: caller left, expert right.")
    ] = Path("call.wav"),
    data_dir: Annotated[
        Path, typer.Option(help="Where demos keep their data.", envvar="PRIMELINE_DATA_DIR")
    ] = Path(".primeline"),
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Stay up until Ctrl-C, as in a terminal.", envvar="KEEP"),
    ] = False,
) -> None:
    """Show paid, refused and premium-rate calls on SIP phones; in a terminal, stay up for yours."""
    console = Console(highlight=False)
    stays = keep or (console.is_terminal and sys.stdin.isatty() and not as_json)
    status = 130
    with _own_folder(data_dir) as folder:
        show = Show(console, folder, data_dir, host, as_json, stays, recording)
        with suppress(KeyboardInterrupt, asyncio.CancelledError):
            status = asyncio.run(_until_interrupted(show))
        if console.is_terminal:
            console.print("Ended; nothing is left running.")
    raise typer.Exit(status)


@dataclass(frozen=True, slots=True)
class Show:
    """How the demo is shown. `stays`: until it is cancelled, for the reader's own calls."""

    console: Console
    folder: Path
    data_dir: Path
    host: str
    as_json: bool
    stays: bool
    recording: Path


async def _until_interrupted(show: Show) -> int:
    task = asyncio.current_task()
    assert task is not None  # asyncio.run made one
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await run(show)


async def run(show: Show) -> int:
    """Show it; gives the exit status. Once shown, being cancelled is its usual end."""
    console, own = show.console, cast.Secrets()
    tree = Path(os.environ.get("PRIMELINE_TREE", ROOT / ".asterisk"))
    store = _render(console, show.data_dir / "prompts", tree)

    async def prepare(system: System) -> Lines:
        async with _sessions(system) as sessions, sessions.begin() as s:
            await cast.write(s, own)
        return cast.lines(own)

    console.print("Starting PostgreSQL, Asterisk and the call application …")
    async with provider() as twilio:
        config = SystemConfig(
            directory=show.folder,
            prompts_dir=store.directory,
            tree=tree,
            durable=False,
            bind_host=show.host,
            limits=cast.LIMITS,
            variables=twilio.variables if twilio else {},
        )
        async with System(config, prepare) as system:
            console.print(f"Up: SIP on port {system.ports.sip}, data in {show.folder}")
            screen = Screen(console)
            await _open_menu(system, twilio, screen)
            talking = await asyncio.to_thread(
                voices, store.directory, best_voice(cast.LANGUAGE, tree)
            )
            words = Words(system.instance.cel_file, store, screen.heard)
            story = Story(system, own, words, screen, talking)
            result, cut_error_ms = await _play(system, story, twilio, show.recording)
            report.show(screen, result, cut_error_ms)
            _tell(show, result, cut_error_ms)
            status = 1 if result.findings else 0
            if show.stays:
                await _stay(system, screen, own, show.host, result.paid.summary.call_id)
    return status


async def _open_menu(system: System, twilio: Provider | None, screen: Screen) -> None:
    async with _sessions(system) as sessions:
        if twilio is None:
            screen.say("Twilio is left out: make twilio fetches the files for its stand-in.")
        else:
            sip = f"sip:{system.config.bind_host}:{system.ports.sip}"
            await twilio.buy_menu_number(sessions, screen, sip)
        async with sessions.begin() as s:
            await cast.open_menu(s)


def _tell(show: Show, result: report.Outcome, cut_error_ms: int) -> None:
    """Say where the recording is, and what came out as JSON if that is wanted."""
    console = show.console
    console.print(f"\nThe call is kept in {show.recording}: caller left, expert right.")
    console.print(f"Listen with: ffplay -autoexit {show.recording}   (or any audio player)")
    if show.as_json:
        line = json.dumps(report.as_json(result, cut_error_ms), ensure_ascii=False)
        console.print(line, soft_wrap=True, markup=False)
    elif not show.stays:
        console.print("KEEP=1 make demo stays up: for calls of your own, and for its API.")


async def _stay(
    system: System, screen: Screen, own: cast.Secrets, host: str, call_id: UUID
) -> None:
    """Invite the reader's own softphone and questions, until this is cancelled."""
    async with _sessions(system) as sessions:
        token = await make_key(sessions)
    invite(screen, own, host, system.ports.sip)
    show_api(screen, system.urls["api"], token, call_id)
    screen.say("\nCtrl-C ends the demo.")
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


def _render(console: Console, directory: Path, tree: Path) -> PromptStore:
    spoken = {cast.LANGUAGE: best_voice(cast.LANGUAGE, tree)}
    voice = spoken[cast.LANGUAGE]
    console.print(f"Voice: {voice.name}")
    if not voice.natural:
        console.print("[yellow]It sounds robotic: no natural voice is installed.[/]")
    store = PromptStore(directory, spoken)
    ensure_shown(store, cast.phrases(), (cast.LANGUAGE,), console)
    return store


async def _play(
    system: System, story: Story, twilio: Provider | None, recording: Path
) -> tuple[report.Outcome, int]:
    following = asyncio.create_task(story.words.follow())
    try:
        async with story.carrier, story.ada, story.luc:
            await story.ada.register()
            await story.luc.register()
            paid = await story.paid_call()
            receipt = await twilio.receipt(story.screen) if twilio else None
            await story.refused_call()
            premium = await story.premium_call()
    finally:
        following.cancel()
    async with _sessions(system) as sessions:
        result = await _settled(sessions, premium, receipt)
    stereo_wav(recording, paid.caller.heard, paid.expert.heard)
    return result, paid.cut_error_ms(result.paid.grants[-1].granted_seconds)


async def _settled(sessions: Sessions, premium: PremiumCall, receipt: str | None) -> report.Outcome:
    """All calls are settled moments after the phones were hung up."""
    async with asyncio.timeout(SETTLED_SECONDS):
        while True:
            result = await report.outcome(sessions, premium, receipt)
            if all(call.summary.settlement for call in result.records):
                return result
            await asyncio.sleep(0.1)


@asynccontextmanager
async def _sessions(system: System) -> AsyncIterator[Sessions]:
    engine = make_engine(Settings(database_url=system.database_url))
    try:
        yield make_sessions(engine)
    finally:
        await engine.dispose()


@contextmanager
def _own_folder(data_dir: Path) -> Iterator[Path]:
    """An empty folder that no other demo uses; it is emptied again by the next demo."""
    data_dir.mkdir(parents=True, exist_ok=True)
    for number in range(1, MOST_DEMOS + 1):
        with (data_dir / f"demo-{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            folder = data_dir / f"demo-{number}"
            shutil.rmtree(folder, ignore_errors=True)
            yield folder
            return
    raise TooManyDemos
