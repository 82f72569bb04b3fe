"""Who is no trunk and no phone gets nowhere and harms nobody, whatever he sends and how fast.

SIPp sends from addresses of its own on the loopback network; each scenario fails on any answer
but 401 or silence.
"""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from primeline.sipp_fetch import find_sipp
from tests.calls import evidence
from tests.calls.stage import PASSWORD, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCENARIOS = Path(__file__).parent / "sipp"
SIPP_TREE = Path(
    os.environ.get("PRIMELINE_SIPP_TREE", Path(__file__).resolve().parents[2] / ".sipp")
)
PHONE = "phone-159"
"""A phone that Asterisk knows and that no test gives to an expert."""


async def _sipp(
    stage: Stage,
    scenario: str,
    *more: str,
    host: str,
    user: str,
    rate: int,
    calls: int,
    folder: Path,
) -> None:
    """Run a scenario to its end; the assertion fails if any of its calls did."""
    program = find_sipp(SIPP_TREE)
    assert program is not None, "SIPp is missing: run `make sipp`, or set PRIMELINE_SIPP_TREE"
    server, port = stage.server
    arguments = (
        *("-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", host, "-p", str(_free_port(host))),
        *("-key", "user", user, "-s", "+33199000001", "-r", str(rate), "-m", str(calls)),
        *("-l", str(calls), "-timeout", "40s", "-timeout_error", "-nostdin", "-nr"),
        *("-trace_err", "-error_file", str(folder / "sipp-errors.log"), *more),
    )
    process = await asyncio.create_subprocess_exec(
        *program,
        *arguments,
        f"{server}:{port}",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env={"TERM": "xterm", "PATH": os.environ["PATH"]},
    )
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    errors = folder / "sipp-errors.log"
    seen = errors.read_text()[-2_000:] if errors.exists() else said.decode()[-2_000:]
    assert process.returncode == 0, seen


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((host, 0))
        port: int = one.getsockname()[1]
        return port


@asynccontextmanager
async def _unharmed(stage: Stage) -> AsyncIterator[None]:
    """Same processes, ARI answers, no call more than before, and the next paid call works."""
    pids, before = stage.system.pids, await _calls(stage)
    yield
    assert stage.system.pids == pids
    await _quiet(stage)
    assert await _calls(stage) == before
    assert PHONE not in stage.system.asterisk.command("pjsip show contacts")
    caller, number = await stage.caller(), await stage.number()
    call = await stage.to_choosing(caller, number)
    await call.hang_up()
    await stage.ended(caller)


async def _quiet(stage: Stage, *, seconds: int = 8) -> None:
    """Wait until Asterisk has no channel, the farewell of a call before included."""
    end = time.monotonic() + seconds
    while channels := await evidence.ari(stage, "channels"):
        assert time.monotonic() < end, channels
        await asyncio.sleep(0.1)


async def _calls(stage: Stage) -> int:
    async with stage.sessions() as s:
        count: int = (await s.execute(text("SELECT count(*) FROM calls"))).scalar_one()
        return count


@pytest.mark.parametrize("user", ["nobody", PHONE])
async def test_a_flood_of_calls_gets_nowhere_and_a_paid_call_meanwhile_works(
    stage: Stage, tmp_path: Path, user: str
) -> None:
    expert, caller, number = await stage.expert(), await stage.caller(), await stage.number()
    pids = stage.system.pids
    flood = asyncio.create_task(
        _sipp(stage, "invite", host="127.0.0.9", user=user, rate=200, calls=1_000, folder=tmp_path)
    )
    talk = await stage.to_talk(caller, number, expert)
    await asyncio.sleep(2)
    await talk.caller.hang_up()
    record = await stage.ended(caller)
    await flood
    assert record.summary.settlement is not None
    assert record.summary.settlement.charge
    assert stage.system.pids == pids
    await _quiet(stage)
    async with stage.sessions() as s:
        query = text("SELECT count(*) FROM calls WHERE trunk IS NULL AND received_at > :at")
        assert (await s.execute(query, {"at": record.summary.received_at})).scalar_one() == 0


async def test_guessing_a_phones_password_registers_nobody(stage: Stage, tmp_path: Path) -> None:
    async with _unharmed(stage):
        await _sipp(
            stage,
            "register",
            *("-au", PHONE, "-ap", "not-the-password"),
            host="127.0.0.10",
            user=PHONE,
            rate=200,
            calls=400,
            folder=tmp_path,
        )
    log = stage.system.instance.log_file.parent / "security.log"
    assert "127.0.0.10" in log.read_text()


async def test_a_phone_of_ours_that_sends_no_session_description_is_refused(
    stage: Stage, tmp_path: Path
) -> None:
    async with _unharmed(stage):
        await _sipp(
            stage,
            "bad-sdp",
            *("-au", PHONE, "-ap", PASSWORD),
            host="127.0.0.11",
            user=PHONE,
            rate=20,
            calls=20,
            folder=tmp_path,
        )


def _odd(change: str = "", body: str = "", **headers: str | None) -> bytes:
    """An INVITE with some headers changed, or left out where None, then with one piece replaced."""
    fields: dict[str, str | None] = {
        "Via": "SIP/2.0/UDP 127.0.0.12:6060;branch=z9hG4bK-odd;rport",
        "From": "<sip:nobody@127.0.0.12>;tag=odd",
        "To": "<sip:+33199000001@127.0.0.1>",
        "Call-ID": "odd@127.0.0.12",
        "CSeq": "1 INVITE",
        "Contact": "<sip:nobody@127.0.0.12:6060>",
        "Max-Forwards": "70",
        "Content-Length": str(len(body)),
    }
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    start = change or "INVITE sip:+33199000001@127.0.0.1 SIP/2.0"
    return "\r\n".join([start, *lines, "", body]).encode("latin-1")


ODD = {
    "a length beyond the end": _odd(Content_Length="99999"),
    "a length below zero": _odd(Content_Length="-1"),
    "a length that is no number": _odd(Content_Length="many"),
    "a length beyond all numbers": _odd(Content_Length="9" * 40),
    "a huge header": _odd(Subject="x" * 50_000),
    "many headers": _odd(**{f"X_{number}": "y" * 20 for number in range(1_500)}),
    "many ways": _odd(Via=",".join(["SIP/2.0/UDP 127.0.0.12;branch=z9hG4bK"] * 700)),
    "no Via": _odd(Via=None),
    "no From": _odd(From=None),
    "no To": _odd(To=None),
    "no Call-ID": _odd(Call_ID=None),
    "no CSeq": _odd(CSeq=None),
    "no Contact": _odd(Contact=None),
    "NULs": _odd(From="<sip:no\0body@127.0.0.12>;tag=\0", Call_ID="\0\0"),
    "a NUL in the number": _odd("INVITE sip:+331\x0099000001@127.0.0.1 SIP/2.0"),
    "a CSeq beyond all numbers": _odd(CSeq="99999999999999999999 INVITE"),
    "a CSeq below zero": _odd(CSeq="-1 INVITE"),
    "a CSeq of another method": _odd(CSeq="1 BYE"),
    "another method": _odd("HACK sip:+33199000001@127.0.0.1 SIP/2.0", CSeq="1 HACK"),
    "another version": _odd("INVITE sip:+33199000001@127.0.0.1 SIP/9.9"),
    "a number of 5000 digits": _odd(f"INVITE sip:{'9' * 5_000}@127.0.0.1 SIP/2.0"),
    "format characters": _odd(From='"%s%n%s%n" <sip:%s%n@127.0.0.12>;tag=%n'),
    "a broken address": _odd(From="<sip:@@@[::::]:99999999>;;;tag=;=;"),
    "a session that is none": _odd(body="v=0\r\nm=audio x\r\n", Content_Type="application/sdp"),
    "credentials that are none": _odd(Authorization='Digest username="carrier", nonce="", a=b, ='),
    "half a message": _odd()[:90],
    "half a header": _odd()[:-30],
    "one byte": b"I",
    "nothing": b"",
    "line ends": b"\r\n" * 2_000,
    "noise": bytes(range(256)) * 40,
    "a response nobody waits for": _odd("SIP/2.0 200 OK"),
    "an end of no call": _odd("BYE sip:+33199000001@127.0.0.1 SIP/2.0", CSeq="1 BYE"),
    "a transfer": _odd("REFER sip:phone-001@127.0.0.1 SIP/2.0", CSeq="1 REFER", Refer_To="<sip:9>"),
}


async def test_a_malformed_message_is_no_call_and_harms_nobody(stage: Stage) -> None:
    answers: list[str] = []
    async with _unharmed(stage):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("127.0.0.12", 0))
            sender.setblocking(False)
            for _ in range(3):
                for message in ODD.values():
                    sender.sendto(message, stage.server)
                    await asyncio.sleep(0.005)
            await asyncio.sleep(0.5)
            while True:
                try:
                    answers.append(sender.recv(65_535).decode("latin-1").split("\r\n")[0])
                except BlockingIOError:
                    break
    assert "SIP/2.0 401 Unauthorized" in answers
    assert [one for one in answers if one.split()[1][0] in "123"] == []
