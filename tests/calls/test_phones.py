"""The phones that all call tests rely on, tried on a real Asterisk with a dialplan of its own."""

import asyncio
import contextlib
import os
from array import array
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from baresip import Account, Config, Runtime, UserAgent

from billing.endpoints.digest import ha1_of
from billing.endpoints.values import KnownPhone, Trunk
from billing.kit.limits import Limits
from primeline import asterisk, asterisk_conf, asterisk_tree, sound
from primeline.phones import (
    Phone,
    PhoneCall,
    PhoneWaitedInVain,
    RegistrationRefused,
    State,
    alaw,
    tone,
)
from primeline.ports import lease_ports

ROOT = Path(__file__).resolve().parents[2]
TREE = Path(os.environ.get("PRIMELINE_ASTERISK_TREE", ROOT / ".asterisk"))
PASSWORD = "phones-test-password"
PAIRS = 12
CALLER_HZ, EXPERT_HZ = 400, 600
DIALPLAN = """
[from-phone]
exten => _b.,1,Dial(PJSIP/${EXTEN},20)
 same => n,Hangup(${HANGUPCAUSE})
exten => greeting,1,Answer()
 same => n,Wait(0.2)
 same => n,Playback(vm-goodbye)
 same => n,Hangup(16)
exten => closed,1,Progress()
 same => n,Playback(vm-goodbye,noanswer)
 same => n,Hangup(34)
[from-trunk]
exten => _+X.,1,Set(__SEEN=${CALLERID(num)})
 same => n,Dial(PJSIP/b0,20,b(show^s^1))
[show]
exten => s,1,Set(PJSIP_HEADER(add,X-Seen)=${SEEN})
 same => n,Return()
"""
MODULES = ("app_dial", "app_stack", "res_pjsip_header_funcs")


def _server(ports_of: asterisk_conf.Instance) -> tuple[str, int]:
    return ("127.0.0.1", ports_of.ports.sip)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[asterisk_conf.Instance]:
    lease = lease_ports()
    folder = tmp_path_factory.mktemp("phones")
    program = asterisk_tree.find_program(TREE)
    instance = asterisk.new_instance(folder, program, lease.ports, bind_host="127.0.0.1")
    names = [f"{side}{number}" for side in "ab" for number in range(PAIRS)]
    lines = asterisk_conf.Lines(
        trunks=(Trunk("carrier", trusted=True, ha1=ha1_of("carrier", PASSWORD)),),
        phones=tuple(KnownPhone(name, ha1=ha1_of(name, PASSWORD)) for name in names),
    )
    asterisk_conf.render(instance, lines=lines, limits=Limits(), prompts_dir=folder)
    (instance.conf_dir / "extensions.conf").write_text(DIALPLAN)
    with (instance.conf_dir / "modules.conf").open("a") as modules:
        modules.writelines(f"load = {name}.so\n" for name in MODULES)
    process = asyncio.run(asterisk.start(instance))
    yield instance
    process.child.stop_now()
    asterisk.forget(instance)
    lease.release()


@contextlib.asynccontextmanager
async def registered(line: asterisk_conf.Instance, *names: str) -> AsyncIterator[list[Phone]]:
    async with contextlib.AsyncExitStack() as stack:
        phones = [Phone(name, PASSWORD, server=_server(line)) for name in names]
        for phone in phones:
            await stack.enter_async_context(phone)
        await asyncio.gather(*(phone.register() for phone in phones))
        yield phones


async def connected(caller: Phone, expert: Phone) -> tuple[PhoneCall, PhoneCall]:
    outgoing = await caller.call(expert.user)
    incoming = await expert.wait_incoming()
    await incoming.answer()
    await outgoing.wait_state(State.UP)
    return outgoing, incoming


async def test_a_wrong_password_is_refused(line: asterisk_conf.Instance) -> None:
    async with Phone("a0", "not-the-password", server=_server(line)) as phone:
        with pytest.raises(RegistrationRefused):
            await phone.register()


async def test_twelve_talks_at_once_carry_every_key_once_and_last_what_they_last(
    line: asterisk_conf.Instance,
) -> None:
    callers = [f"a{number}" for number in range(PAIRS)]
    experts = [f"b{number}" for number in range(PAIRS)]
    async with registered(line, *callers, *experts) as phones:
        talks = await asyncio.gather(
            *(connected(phones[number], phones[PAIRS + number]) for number in range(PAIRS))
        )
        for outgoing, incoming in talks:
            outgoing.speak(tone(CALLER_HZ))
            incoming.speak(tone(EXPERT_HZ))
        await asyncio.sleep(0.3)
        await asyncio.gather(
            *(outgoing.press("4711#", gap_ms=100) for outgoing, _ in talks),
            *(incoming.press("093*", gap_ms=60, hold_ms=80) for _, incoming in talks),
        )
        await asyncio.sleep(2)
        await asyncio.gather(*(outgoing.hang_up() for outgoing, _ in talks))
        await asyncio.gather(*(incoming.wait_ended() for _, incoming in talks))
    for outgoing, incoming in talks:
        assert "".join(key.key for key in incoming.keys) == "4711#"
        assert "".join(key.key for key in outgoing.keys) == "093*"
        heard_by_caller = sound.whole_span(sound.voice_spans(outgoing.heard, EXPERT_HZ))
        heard_by_expert = sound.whole_span(sound.voice_spans(incoming.heard, CALLER_HZ))
        assert heard_by_caller == sound.whole_span(
            sound.carried_spans(outgoing.heard, incoming.spoken)
        )
        assert abs(heard_by_caller.duration_ms - heard_by_expert.duration_ms) <= 40
        assert sound.voice_spans(outgoing.heard, CALLER_HZ) == []


async def test_a_prompt_is_recognised_and_its_length_is_right(line: asterisk_conf.Instance) -> None:
    sounds = asterisk_tree.find_program(TREE).data_dir / "sounds" / "en"
    prompts = {name: sound.read_wav(sounds / f"{name}.wav") for name in ("vm-goodbye", "activated")}
    async with registered(line, "a0") as (phone,):
        for number in ("greeting", "closed"):
            call = await phone.call(number)
            await call.wait_ended()
            heard = call.heard.samples()
            best, other = sound.which(heard, prompts)
            assert best[0] == "vm-goodbye"
            assert best[1].correlation > 0.95
            assert other[1].correlation < 0.3
            # By packets: one that comes late on a busy machine doesn't make the prompt longer.
            packets = array("h", (v for frame in call.heard for v in alaw.decode(frame.payload)))
            assert sound.durations_agree(
                sound.sound_ms(packets), sound.sound_ms(prompts["vm-goodbye"])
            )
    assert call.code == 503
    assert call.cause == 34
    assert [event.state for event in call.events] == [State.CALLING, State.EARLY, State.ENDED]


@pytest.mark.parametrize("code", [486, 603])
async def test_a_refused_call_ends_at_both_phones(line: asterisk_conf.Instance, code: int) -> None:
    async with registered(line, "a1", "b1") as (caller, expert):
        outgoing = await caller.call("b1")
        incoming = await expert.wait_incoming()
        await incoming.reject(code)
        await outgoing.wait_ended()
        assert incoming.code == code
        assert outgoing.ended_by == "them"
        with pytest.raises(PhoneWaitedInVain, match="up"):
            await outgoing.wait_state(State.UP)


async def test_hanging_up_while_it_rings_stops_the_ringing(line: asterisk_conf.Instance) -> None:
    async with registered(line, "a2", "b2") as (caller, expert):
        outgoing = await caller.call("b2")
        incoming = await expert.wait_incoming()
        await outgoing.hang_up()
        await incoming.wait_ended()
        assert (outgoing.code, outgoing.ended_by) == (487, "us")
        assert (incoming.code, incoming.ended_by) == (487, "them")


async def test_hanging_up_at_once_leaves_nothing(line: asterisk_conf.Instance) -> None:
    async with registered(line, "a3", "b3") as (caller, expert):
        outgoing = await caller.call("b3")
        await outgoing.hang_up()
        assert outgoing.state is State.ENDED
        assert all(call.state is State.ENDED for call in expert.calls)


async def test_a_trunk_calls_with_any_number_and_forged_headers(
    line: asterisk_conf.Instance,
) -> None:
    async with (
        registered(line, "b0") as (expert,),
        Phone("carrier", PASSWORD, server=_server(line)) as trunk,
    ):
        forged = (("P-Asserted-Identity", "<sip:+33639980009@example.invalid>"),)
        for headers, seen in (((), "+33639980001"), (forged, "+33639980009")):
            outgoing = await trunk.call(
                "+33199000001", caller_number="+33639980001", headers=headers
            )
            incoming = await expert.wait_incoming()
            assert incoming.invite is not None
            assert incoming.invite.get("X-Seen") == seen
            await outgoing.hang_up()
            await incoming.wait_ended()
        assert "sip:+33639980001@" in next(m.text for m in trunk.wire.log if m.sent)


async def test_a_phone_in_a_call_is_busy(line: asterisk_conf.Instance) -> None:
    async with registered(line, "a4", "a5", "b4") as (first, second, expert):
        outgoing, _ = await connected(first, expert)
        refused = await second.call("b4")
        await refused.wait_ended()
        assert refused.cause == 17
        await outgoing.hang_up()


async def test_both_sides_recorded_make_one_stereo_file(
    line: asterisk_conf.Instance, tmp_path: Path
) -> None:
    async with registered(line, "a6", "b6") as (caller, expert):
        outgoing, incoming = await connected(caller, expert)
        incoming.speak(tone(EXPERT_HZ))
        await outgoing.wait_until(
            lambda: bool(sound.voice_spans(outgoing.heard, EXPERT_HZ)), "the expert's voice"
        )
        outgoing.speak(tone(CALLER_HZ))
        await asyncio.sleep(0.5)
        await outgoing.hang_up()
    path = tmp_path / "call.wav"
    sound.stereo_wav(path, outgoing.heard, incoming.heard)
    assert path.stat().st_size > 4 * 8 * 500


async def test_a_phone_we_did_not_write_hears_us_and_we_hear_it(
    line: asterisk_conf.Instance,
) -> None:
    host, port = _server(line)
    foreign = Runtime(native_log_level="error")
    await foreign.start(Config(net_interface=host, extra_config_text=f"sip_listen {host}:0"))
    try:
        account = Account("a7", f"{host}:{port}", PASSWORD, audio_codecs=("pcma",))
        agent = await UserAgent.create(foreign, account)
        await agent.register()
        async with registered(line, "b7") as (expert,):
            theirs = await agent.dial(f"sip:b7@{host}:{port}")
            ours = await expert.wait_incoming()
            await ours.answer()
            await theirs.wait_established(5)
            digits: list[str] = []
            theirs.on_dtmf(lambda event: digits.append(event.digit))
            ours.speak(tone(EXPERT_HZ))
            await theirs.send_dtmf("4711#")
            await ours.press("93*", gap_ms=120)
            await asyncio.sleep(0.3)
            received = array("h", theirs.audio.read(1 << 20))
            assert "".join(key.key for key in ours.keys) == "4711#"
            assert "".join(digits) == "93*"
            spoken = b"".join(tone(EXPERT_HZ).frames[:10])
            assert sound.correlation(received, alaw.decode(spoken)) > 0.95
            await theirs.hangup()
            await ours.wait_ended()
            assert ours.ended_by == "them"
        await agent.unregister()
    finally:
        await foreign.close()
