"""A trunk that the operator takes out of his list places no call more, by password or address."""

from pathlib import Path

import pytest

from billing.endpoints.digest import ha1_of
from billing.endpoints.values import Trunk
from primeline.asterisk_conf import Lines
from primeline.phones import Phone
from primeline.phones.dialog import State
from primeline.system import System, SystemConfig

PASSWORD = "trunk-password"
BY_PASSWORD = Trunk("carrier", trusted=True, ha1=ha1_of("carrier", PASSWORD))
BY_ADDRESS = Trunk("carrier", trusted=True, addresses=("127.0.0.1",))


@pytest.mark.parametrize("trunk", [BY_PASSWORD, BY_ADDRESS], ids=["by password", "by address"])
async def test_a_removed_trunk_is_a_stranger(tmp_path: Path, tree: Path, trunk: Trunk) -> None:
    async def prepare(_system: System) -> Lines:
        return Lines(trunks=(trunk,))

    config = SystemConfig(
        tmp_path / "run", prompts_dir=tmp_path / "prompts", tree=tree, durable=False, parts=()
    )
    async with System(config, prepare) as system:
        server = ("127.0.0.1", system.ports.sip)

        async def refusal() -> int:
            async with Phone("carrier", PASSWORD, server=server) as phone:
                call = await phone.call("+33199000001", caller_number="+33639980001")
                await call.wait_state(State.ENDED)
                return call.code

        # Without the application Asterisk itself ends the call of a trunk it knows.
        assert await refusal() not in {401, 403}
        assert await system.use_lines(Lines())
        assert await refusal() in {401, 403}
        assert "carrier" not in system.asterisk.command("pjsip show endpoints")
