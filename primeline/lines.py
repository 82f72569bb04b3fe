"""The trunks and phones of an installation, from the database."""

from sqlalchemy.ext.asyncio import AsyncSession

from billing.endpoints.rules import check_password, check_trunk
from billing.endpoints.service import list_phones
from billing.endpoints.trunks import list_trunks
from billing.endpoints.values import KnownPhone, Trunk
from billing.kit.errors import PrimelineError
from billing.kit.secrets import SecretBox
from primeline.asterisk_endpoints import Lines


async def read_lines(s: AsyncSession, key: str) -> tuple[Lines, list[str]]:
    """Give the lines as they are kept, and a sentence for each thing that is wrong with them.

    A trunk that can't be is left out. One whose password `key` doesn't open stays, but can't log
    in at its carrier.
    """
    trunks: list[Trunk] = []
    passwords: dict[str, str] = {}
    problems: list[str] = []
    for trunk in [known.trunk for known in await list_trunks(s)]:
        try:
            check_trunk(trunk)
        except PrimelineError as error:
            problems.append(f"{error.sentence} It is left out.")
            continue
        trunks.append(trunk)
        if trunk.sealed_password is not None:
            try:
                password = SecretBox(key).open(trunk.sealed_password)
                check_password(trunk.name, password)
                passwords[trunk.name] = password
            except PrimelineError as error:
                problems.append(f"Trunk {trunk.name} can't log in at {trunk.host}: {error}")
    return Lines(tuple(trunks), tuple(await list_phones(s)), passwords), problems


def changes(old: Lines, new: Lines) -> str:
    """Say which trunks and phones are new, changed and gone: "new phone ada; gone trunk x"."""
    before, after = _by_name(old), _by_name(new)
    named = {
        "new": [name for name in after if name not in before],
        "changed": [name for name in after if name in before and before[name] != after[name]],
        "gone": [name for name in before if name not in after],
    }
    return "; ".join(f"{what} {', '.join(names)}" for what, names in named.items() if names)


def _by_name(lines: Lines) -> dict[str, tuple[Trunk | KnownPhone, str | None]]:
    return {f"trunk {one.name}": (one, lines.passwords.get(one.name)) for one in lines.trunks} | {
        f"phone {one.endpoint}": (one, None) for one in lines.phones if one.ha1 is not None
    }
