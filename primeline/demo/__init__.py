"""`primeline demo`: the whole system with real SIP phones, the main job shown step by step."""

import asyncio
import fcntl
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Final

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
from primeline.demo.screen import Screen
from primeline.demo.softphone import invite
from primeline.demo.speech import voices
from primeline.demo.story import PremiumCall, Story
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
) -> None:
    """Show paid, refused and premium-rate calls on SIP phones; in a terminal, stay up for yours."""
    console = Console(highlight=False)
    status = 1
    with _own_folder(data_dir) as folder:
        try:
            status = asyncio.run(_demo(console, folder, data_dir, host, as_json, recording))
        except (KeyboardInterrupt, asyncio.CancelledError):
            status = 130
        if console.is_terminal:
            console.print("Ended; nothing is left running.")
    raise typer.Exit(status)


async def _demo(
    console: Console, folder: Path, data_dir: Path, host: str, as_json: bool, recording: Path
) -> int:
    task = asyncio.current_task()
    assert task is not None  # asyncio.run made one
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    own = cast.Secrets()
    tree = Path(os.environ.get("PRIMELINE_TREE", ROOT / ".asterisk"))
    store = _render(console, data_dir / "prompts", tree)
    config = SystemConfig(
        directory=folder,
        prompts_dir=store.directory,
        tree=tree,
        durable=False,
        bind_host=host,
        limits=cast.LIMITS,
    )

    async def prepare(system: System) -> Lines:
        async with _sessions(system) as sessions, sessions.begin() as s:
            await cast.write(s, own)
        return cast.lines(own)

    console.print("Starting PostgreSQL, Asterisk and the call application …")
    async with System(config, prepare) as system:
        ports = system.ports
        console.print(f"Up: SIP on port {ports.sip}, data in {folder}")
        screen = Screen(console)
        result, cut_error_ms = await _play(system, own, store, screen, tree, recording)
        report.show(screen, result, cut_error_ms)
        screen.say(f"\nThe call is kept in {recording}: caller left, expert right.")
        screen.say(f"Listen with: ffplay -autoexit {recording}   (or any audio player)")
        if as_json:
            sys.stdout.write(json.dumps(report.as_json(result, cut_error_ms)) + "\n")
            sys.stdout.flush()
        if console.is_terminal and not as_json:
            invite(screen, own, host, ports.sip)
            await asyncio.Event().wait()
    return 1 if result.findings else 0


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
    system: System,
    own: cast.Secrets,
    store: PromptStore,
    screen: Screen,
    tree: Path,
    recording: Path,
) -> tuple[report.Outcome, int]:
    words = Words(system.instance.cel_file, store, screen.heard)
    talking = await asyncio.to_thread(voices, store.directory, best_voice(cast.LANGUAGE, tree))
    story = Story(system, own, words, screen, talking)
    following = asyncio.create_task(words.follow())
    try:
        async with story.carrier, story.ada, story.luc:
            await story.ada.register()
            await story.luc.register()
            paid = await story.paid_call()
            await story.refused_call()
            premium = await story.premium_call()
    finally:
        following.cancel()
    async with _sessions(system) as sessions:
        result = await _settled(sessions, premium)
    stereo_wav(recording, paid.caller.heard, paid.expert.heard)
    return result, paid.cut_error_ms(result.paid.grants[-1].granted_seconds)


async def _settled(sessions: Sessions, premium: PremiumCall) -> report.Outcome:
    """All calls are settled moments after the phones were hung up."""
    async with asyncio.timeout(SETTLED_SECONDS):
        while True:
            result = await report.outcome(sessions, premium)
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
