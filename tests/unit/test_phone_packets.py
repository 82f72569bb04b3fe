"""What phones put on the wire: SIP text, digest, A-law, RTP."""

import pytest

from primeline.phones import alaw, rtp, sdp
from primeline.phones.digest import credentials
from primeline.phones.messages import Message, parameter, parse, quoted_fields, reply, user_of

INVITE = (
    b"INVITE sip:42@127.0.0.1 SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKabc\r\n"
    b'From: "Ann; the <first>" <sip:+33639980001@127.0.0.1;user=phone>;tag=me\r\n'
    b"To: <sip:42@127.0.0.1>\r\n"
    b"i: one\r\n"
    b"CSeq: 7 INVITE\r\n\r\n"
    b"body"
)
RFC_2617 = (
    'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
    'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)


def test_a_request_is_read_with_compact_names() -> None:
    message = parse(INVITE)
    assert (message.method, message.sequence, message.get("Call-ID")) == ("INVITE", 7, "one")
    assert parameter(message.get("via"), "branch") == "z9hG4bKabc"
    assert user_of(message.get("from")) == "+33639980001"
    assert parameter(message.get("from"), "tag") == "me"
    assert message.body == "body"


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"hello", b"SIP/2.0 abc No\r\n\r\n"])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(data)


def test_a_reply_tags_the_other_side_once() -> None:
    answer = reply(parse(INVITE), 180, "Ringing", tag="us")
    assert answer.get("To") == "<sip:42@127.0.0.1>;tag=us"
    assert parse(answer.render()).code == 180
    assert parse(answer.render()).method == "INVITE"


def test_a_challenge_is_answered_as_the_rfc_computes_it() -> None:
    # The example of RFC 2617, section 3.5, without qop: its digest by the rule of RFC 2069.
    challenge = Message(
        "SIP/2.0 401 Unauthorized",
        [
            ("WWW-Authenticate", 'Digest realm="other", nonce="x", algorithm=SHA-256'),
            ("WWW-Authenticate", RFC_2617),
        ],
    )
    answer = credentials(
        challenge, method="GET", uri="/dir/index.html", user="Mufasa", password="Circle Of Life"
    )
    assert answer is not None
    name, value = answer
    assert name == "Authorization"
    assert quoted_fields(value)["response"] == "670fd8c2df070c60b045671b8b24ff02"
    assert quoted_fields(value)["opaque"] == "5ccc069c403ebaf9f0171e9517f40e41"


def test_a_challenge_without_md5_is_not_answered() -> None:
    offer = ("WWW-Authenticate", 'Digest realm="x", nonce="x", algorithm=SHA-256')
    challenge = Message("SIP/2.0 401 Unauthorized", [offer])
    assert credentials(challenge, method="BYE", uri="sip:x", user="a", password="b") is None


def test_every_alaw_byte_survives_decoding_and_encoding() -> None:
    everything = bytes(range(256))
    assert alaw.encode(alaw.decode(everything)) == everything
    assert alaw.decode(b"\xd5\x55\xaa\x2a").tolist() == [8, -8, 32256, -32256]


def test_a_packet_survives_the_wire() -> None:
    packet = rtp.Packet(8, 65_535, 2**32 - 1, 77, b"sound", marker=True)
    assert rtp.parse(packet.render()) == packet


def test_extensions_and_padding_of_a_packet_are_left_out() -> None:
    head = bytes([0xB1, 8]) + bytes(10) + bytes(4)
    extension = b"\0\0\0\1" + bytes(4)
    packet = rtp.parse(head + extension + b"sound" + b"\0\0\3")
    assert packet is not None
    assert packet.payload == b"sound"


def test_a_key_survives_the_wire() -> None:
    assert rtp.read_event(rtp.event("#", duration_samples=800, last=True)) == ("#", True, 800)
    assert rtp.read_event(b"\x63\x0a\x00\x10") is None


def test_a_description_is_read_back() -> None:
    text = sdp.describe("127.0.0.1", 40_000, version=1)
    assert sdp.read(text) == sdp.Remote("127.0.0.1", 40_000, 101)
    assert sdp.read(text.replace("m=audio 40000", "m=audio 0")) is None
