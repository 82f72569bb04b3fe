"""The demo as its reader sees it, with the lines that it prints for the API."""

import asyncio
import io
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from dialplan.prompts.testvoice import TestVoice
from primeline import demo
from primeline.fake_twilio.fetch import fetch

SHOWN_SECONDS = 180


async def pasted(lines: str) -> list[dict[str, Any]]:
    """What a shell answers to the printed lines: one JSON text for each that asks."""
    shell = await asyncio.create_subprocess_exec(
        "/bin/sh", "-eu", "-c", lines, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await shell.communicate()
    assert shell.returncode == 0
    decoder, texts, found = json.JSONDecoder(), said.decode().strip(), []
    while texts:
        answer, end = decoder.raw_decode(texts)
        found.append(answer)
        texts = texts[end:].strip()
    return found


async def test_the_demo_shows_its_calls_and_its_three_lines_for_the_api_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tree: Path
) -> None:
    await asyncio.to_thread(fetch)
    monkeypatch.setenv("PRIMELINE_TREE", str(tree))
    monkeypatch.setattr(demo, "best_voice", lambda *_: TestVoice())
    screen = io.StringIO()
    console = Console(file=screen, width=80, highlight=False)
    show = demo.Show(
        console=console,
        folder=tmp_path / "demo-1",
        data_dir=tmp_path,
        host="127.0.0.1",
        as_json=True,
        stays=True,
        recording=tmp_path / "call.wav",
    )
    showing = asyncio.create_task(demo.run(show))
    end = time.monotonic() + SHOWN_SECONDS
    try:
        while "Ctrl-C ends" not in screen.getvalue():
            await asyncio.wait([showing], timeout=0.2)
            if showing.done() or time.monotonic() > end:
                pytest.fail(screen.getvalue())
        said = screen.getvalue()
        lines = re.findall(r"^(?:API=|curl ).*$", said, re.MULTILINE)
        answers = await pasted("\n".join(lines))
    finally:
        showing.cancel()
        await asyncio.wait([showing])
    assert showing.result() == 0

    outcome = json.loads(re.findall(r"^\{.*\}$", said, re.MULTILINE)[0])
    assert outcome["books_ok"]
    assert outcome["cut_off"]
    assert outcome["charge"] == "0.5000"
    assert outcome["refused_reason"] == "credit-too-low"
    assert not outcome["premium"]["answered_before_acceptance"]
    assert "cost €0.50 for 25 s" in outcome["receipt"]
    assert "bought from Twilio" in said

    assert len(lines) == 4
    call, price, revenue = answers
    assert call["id"] == outcome["call_id"]
    assert call["ledger"]
    assert price["affordable_seconds"] == 500
    assert revenue["lines"]
    assert (tmp_path / "call.wav").stat().st_size > 0
