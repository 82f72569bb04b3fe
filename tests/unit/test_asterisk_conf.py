import re
from dataclasses import replace
from pathlib import Path

import pytest
from phonenumbers.shortnumberinfo import is_emergency_number

from billing.endpoints.digest import ha1_of
from billing.endpoints.errors import TrunkInvalid
from billing.endpoints.values import KnownPhone, NumberFormat, Trunk
from billing.kit.limits import Limits
from primeline.asterisk_conf import Instance, Lines, Secrets, UnsafeSetting, render
from primeline.asterisk_tree import Program
from primeline.ports import Ports

CARRIER = Trunk("carrier", trusted=True, ha1=ha1_of("carrier", "carrier-password"))
BY_ADDRESS = Trunk("by-address", addresses=("203.0.113.5", "203.0.113.6:5061"))
PHONE = KnownPhone("caller-1", "+33639980101", ha1_of("caller-1", "caller-password"))
EXPERT = KnownPhone("expert-1", ha1=ha1_of("expert-1", "expert-password"))
OUT = Trunk(
    "out",
    host="sip.example.com:5070",
    username="us",
    sealed_password="sealed",
    register=True,
    outbound=NumberFormat("national", add="9"),
    presented_number="+33199000001",
)


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    program = Program(("asterisk",), Path("/modules"), Path("/data"), "22.10.1")
    return Instance(tmp_path, tmp_path / "run", program, Ports.of_slot(3), Secrets.random())


def rendered(instance: Instance, *trunks: Trunk, phones: tuple[KnownPhone, ...] = ()) -> str:
    lines = Lines(trunks, phones, {"out": "semi;colon"})
    render(instance, lines=lines, limits=Limits(), prompts_dir=instance.directory / "prompts")
    return (instance.conf_dir / "pjsip.conf").read_text()


def test_channels_of_two_asterisks_on_one_database_have_ids_apart(instance: Instance) -> None:
    rendered(replace(instance, asterisk_id="paris-2"))
    options = (instance.conf_dir / "asterisk.conf").read_text()
    assert "systemname = paris-2" in options.splitlines()


@pytest.mark.parametrize("asterisk_id", ["", "a b", "a;b", "a\nb", "a" * 33])
def test_a_name_that_asterisk_would_read_otherwise_is_refused(
    instance: Instance, asterisk_id: str
) -> None:
    with pytest.raises(UnsafeSetting):
        rendered(replace(instance, asterisk_id=asterisk_id))


def section(text: str, name: str) -> str:
    return text.split(f"[{name}]", 1)[1].split("\n[", 1)[0]


def test_every_placeholder_is_filled_and_no_file_is_readable_by_others(instance: Instance) -> None:
    rendered(instance, CARRIER, BY_ADDRESS, phones=(PHONE,))
    files = list(instance.conf_dir.iterdir())
    assert len(files) > 15
    for file in files:
        assert "@{" not in file.read_text()
        assert file.stat().st_mode & 0o007 == 0


def test_a_phone_has_the_caller_id_that_was_set_and_one_without_is_anonymous(
    instance: Instance,
) -> None:
    text = rendered(instance, phones=(PHONE, EXPERT))
    assert "callerid = <+33639980101>" in section(text, "caller-1")
    assert "callerid = <anonymous>" in section(text, "expert-1")


def test_only_a_trusted_trunk_may_assert_an_identity(instance: Instance) -> None:
    text = rendered(instance, CARRIER, BY_ADDRESS)
    assert section(text, "carrier").startswith("(_trusted-trunk)")
    assert section(text, "by-address").startswith("(_trunk)")
    assert "trust_id_inbound = yes" in section(text, "_trusted-trunk")
    assert "trust_id_inbound = no" in section(text, "_trunk")
    assert "trust_id_inbound = no" in section(text, "_phone")


def test_a_trunk_known_by_address_is_known_by_nothing_else(instance: Instance) -> None:
    text = rendered(instance, BY_ADDRESS)
    assert "identify_by = ip\n" in section(text, "by-address")
    assert "match = 203.0.113.5,203.0.113.6:5061" in section(text, "_by-address-addresses")


def test_nothing_in_the_dialplan_dials_and_no_pattern_is_open(instance: Instance) -> None:
    rendered(instance)
    lines = (instance.conf_dir / "extensions.conf").read_text().splitlines()
    code = [line for line in lines if not line.startswith(";")]
    assert not any(word in line for line in code for word in ("Dial(", "Originate(", "System("))
    patterns = [line.split(",")[0].removeprefix("exten => ") for line in code if "=> _" in line]
    assert patterns
    assert all(set(pattern) <= set("_+X") for pattern in patterns)


COUNTRIES = ("AT", "BE", "CA", "CH", "DE", "ES", "FR", "GB", "IE", "IT", "LU", "NL", "PT", "US")


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_countrys_emergency_numbers_are_told_apart(instance: Instance, country: str) -> None:
    rendered(instance)
    dialplan = (instance.conf_dir / "extensions.conf").read_text()
    said = set(re.findall(r"=> (\d+),1,Goto\(emergency-said,s,1\)$", dialplan, re.MULTILINE))
    short = [f"{number:0{digits}d}" for digits in (2, 3) for number in range(10**digits)]
    emergency = {number for number in short if is_emergency_number(number, country)}
    assert emergency
    assert emergency - said == set()


def test_the_modules_never_include_the_bridge_that_hides_digits(instance: Instance) -> None:
    rendered(instance)
    modules = (instance.conf_dir / "modules.conf").read_text()
    assert "load = bridge_native_rtp" not in modules
    assert "autoload = no" in modules


def test_asterisks_record_lists_its_types_by_name_and_never_digits(instance: Instance) -> None:
    rendered(instance)
    cel = (instance.conf_dir / "cel.conf").read_text()
    events = next(line for line in cel.splitlines() if line.startswith("events"))
    assert not {"ALL", "DTMF"} & set(events.split("= ")[1].split(","))


@pytest.mark.parametrize(
    "lines",
    [
        Lines(phones=(replace(PHONE, endpoint="a]\n[b"),)),
        Lines(phones=(replace(PHONE, endpoint="_phone"),)),
        Lines(phones=(replace(PHONE, endpoint="a&b"),)),
        Lines(phones=(replace(PHONE, number="+33;63"),)),
        Lines(phones=(replace(PHONE, ha1="short"),)),
        Lines(phones=(replace(PHONE, ha1="0" * 31 + "\n"),)),
        Lines(phones=(PHONE, PHONE)),
        Lines(trunks=(replace(CARRIER, name="caller-1"),), phones=(PHONE,)),
        Lines(trunks=(Trunk("nobody"),)),
        Lines(trunks=(replace(BY_ADDRESS, addresses=("203.0.113.5 ; x",)),)),
        Lines(trunks=(replace(BY_ADDRESS, addresses=("0.0.0.0/0",)),)),
        Lines(trunks=(replace(OUT, host="sip.example.com\n[b]"),)),
        Lines(trunks=(replace(OUT, username="a;b"),)),
        Lines(trunks=(OUT,), passwords={"out": "two\nlines"}),
        Lines(trunks=(OUT,), passwords={"out": "space at its end "}),
    ],
)
def test_what_could_mean_something_else_to_asterisk_is_refused(
    instance: Instance, lines: Lines
) -> None:
    with pytest.raises((UnsafeSetting, TrunkInvalid)):
        render(instance, lines=lines, limits=Limits(), prompts_dir=instance.directory)


def test_no_password_of_a_phone_or_a_trunks_calls_is_written_only_its_hash(
    instance: Instance,
) -> None:
    text = rendered(instance, CARRIER, phones=(PHONE, KnownPhone("silent")))
    assert "carrier-password" not in text
    assert "caller-password" not in text
    assert f"password_digest = MD5:{PHONE.ha1}" in text
    assert "[silent]" not in text


def test_a_trunk_with_password_and_addresses_needs_both(instance: Instance) -> None:
    both = replace(CARRIER, addresses=("203.0.113.5", "198.51.100.0/24"))
    text = rendered(instance, both)
    carrier = section(text, "carrier")
    assert "identify_by = auth_username\n" in carrier
    assert "auth = carrier" in carrier
    assert "deny = 0.0.0.0/0.0.0.0" in carrier
    assert "permit = 198.51.100.0/255.255.255.0" in carrier
    assert "type = identify" not in text


def test_a_trunk_for_calls_out_lets_none_in_and_presents_its_number(instance: Instance) -> None:
    text = rendered(instance, OUT)
    assert "identify_by = ip\n" in section(text, "out")
    assert "from_user = 0199000001\n" in section(text, "out")
    assert "from_domain = sip.example.com\n" in section(text, "out")
    assert "contact = sip:sip.example.com:5070" in text
    assert "password = semi\\;colon" in section(text, "_out-out")
    registration = section(text, "_out-registration")
    assert "client_uri = sip:us@sip.example.com:5070" in registration
    assert "contact_user = 0199000001" in registration
    assert "type = identify" not in text


def test_the_most_calls_of_a_trunk_are_told_to_the_dialplan(instance: Instance) -> None:
    text = rendered(instance, replace(BY_ADDRESS, maximum_calls=3))
    assert "set_var = PRIMELINE_MOST=3" in section(text, "by-address")


def test_phones_of_the_local_network_and_carriers_come_in_and_others_do_not(
    instance: Instance,
) -> None:
    lan = replace(instance, bind_host="192.168.1.7")
    out = replace(OUT, host="198.51.100.7:5070")
    text = rendered(lan, BY_ADDRESS, out, phones=(PHONE,))
    acl = section(text, "_reach")
    assert "deny = 0.0.0.0/0.0.0.0" in acl
    assert "permit = 192.168.1.7/255.255.255.255" in acl
    assert "permit = 10.0.0.0/255.0.0.0" in acl
    assert "permit = 203.0.113.6/255.255.255.255" in acl
    assert "permit = 198.51.100.7/255.255.255.255" in acl
    assert "bind = 0.0.0.0:5066" in text
    assert "bind = 127.0.0.1:5066" in rendered(instance)
