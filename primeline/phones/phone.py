"""A SIP phone: registers, calls, is called."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from primeline.phones.call import PhoneCall
from primeline.phones.dialog import State
from primeline.phones.digest import credentials
from primeline.phones.errors import PhoneWaitedInVain, RegistrationRefused
from primeline.phones.messages import Message, parameter, reply, token
from primeline.phones.wire import Wire

_REGISTER_SECONDS = 300
_ALLOWED = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, NOTIFY"


class Phone:
    """One SIP account at one server (an Asterisk at host and port), with one call at a time.

    `refuse_with` set to a SIP status (486, 603, ...) refuses every incoming call with it. A
    second call meanwhile gets 486. `server` is where all its messages go; `host` is the local
    address. A trunk is a phone that doesn't register and names the caller in `call`.
    """

    def __init__(
        self,
        user: str,
        password: str,
        *,
        server: tuple[str, int],
        host: str = "127.0.0.1",
        port: int = 0,
        display_name: str = "",
    ) -> None:
        self.user = user
        self.password = password
        self.server = server
        self.host = host
        self.display_name = display_name
        self.refuse_with: int | None = None
        self.calls: list[PhoneCall] = []
        self.wire = Wire(server, self._take_request)
        self._port = port
        self._incoming: asyncio.Queue[PhoneCall] = asyncio.Queue()
        self._registration = token()
        self._sequence = 0
        self._refresh: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def contact(self) -> str:
        """The Contact header of this phone."""
        host, port = self.wire.address
        return f"<sip:{self.user}@{host}:{port}>"

    @property
    def port(self) -> int:
        """The local SIP port."""
        return self.wire.address[1]

    async def start(self) -> None:
        """Open the SIP port."""
        await self.wire.open(self.host, self._port)

    async def stop(self) -> None:
        """Hang up, unregister if registered, and close the ports."""
        for call in self.calls:
            if call.state is not State.ENDED:
                await call.hang_up()
        if self._refresh is not None:
            await self.unregister()
        self.wire.close()

    def vanish(self) -> None:
        """Disappear without a word, like a phone whose plug is pulled."""
        for call in self.calls:
            call.forget()
        if self._refresh is not None:
            self._refresh.cancel()
            self._refresh = None
        self.wire.close()

    async def register(self) -> None:
        """Register, and keep the registration fresh until `stop`.

        Raises `RegistrationRefused`: the registrar said no, or nothing.
        """
        await self._send_register(_REGISTER_SECONDS)
        if self._refresh is None:
            self._refresh = asyncio.create_task(self._keep_registered())

    @property
    def registered(self) -> bool:
        """Whether it keeps a registration."""
        return self._refresh is not None

    async def unregister(self) -> None:
        """Take the registration back."""
        if self._refresh is not None:
            self._refresh.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refresh
            self._refresh = None
        with contextlib.suppress(RegistrationRefused, TimeoutError):
            await asyncio.wait_for(self._send_register(0), 2)

    async def call(
        self,
        number: str,
        *,
        caller_number: str | None = None,
        display_name: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> PhoneCall:
        """Call a number; returns as soon as the INVITE is sent.

        `caller_number` goes into From instead of the account's user; `headers` are added as they
        are, for example P-Asserted-Identity. The password is always the account's.
        """
        call = PhoneCall(self, call_id=f"{token()}@{self.host}")
        self.calls.append(call)
        call.start(
            number,
            caller=self.user if caller_number is None else caller_number,
            display_name=self.display_name if display_name is None else display_name,
            headers=headers,
        )
        return call

    async def wait_incoming(self, *, seconds: int = 10) -> PhoneCall:
        """The next incoming call, already ringing.

        Raises `PhoneWaitedInVain`: none came.
        """
        try:
            return await asyncio.wait_for(self._incoming.get(), seconds)
        except TimeoutError:
            raise PhoneWaitedInVain(self.user, "an incoming call", seconds, "nothing") from None

    def forget_calls(self) -> None:
        """Be on the hook again, without a word to whoever was there or rings."""
        for call in self.calls:
            if call.state is not State.ENDED:
                call.forget()
        self._incoming = asyncio.Queue()

    def request(
        self, method: str, target: str, *, caller: str, called: str, call_id: str, sequence: int
    ) -> Message:
        """A request of this phone with a fresh branch."""
        host, port = self.wire.address
        message = Message(f"{method} {target} SIP/2.0")
        message.headers = [
            ("Via", f"SIP/2.0/UDP {host}:{port};branch=z9hG4bK{token()};rport"),
            ("Max-Forwards", "70"),
            ("From", caller),
            ("To", called),
            ("Call-ID", call_id),
            ("CSeq", f"{sequence} {method}"),
            ("Contact", self.contact),
            ("Allow", _ALLOWED),
            ("User-Agent", "primeline-phone"),
        ]
        return message

    def _take_request(self, request: Message) -> None:
        call_id = request.get("call-id")
        known = next((call for call in self.calls if call.call_id == call_id), None)
        if known is not None:
            known.take_request(request)
        elif request.method == "INVITE" and not parameter(request.get("to"), "tag"):
            self._take_invite(request)
        elif request.method in {"OPTIONS", "NOTIFY"}:
            self.wire.respond(request, reply(request, 200, "OK", tag=token()))
        else:
            self.wire.respond(request, reply(request, 481, "No such call", tag=token()))

    def _take_invite(self, invite: Message) -> None:
        busy = any(call.state is not State.ENDED for call in self.calls)
        if self.refuse_with is not None or busy:
            code = self.refuse_with or 486
            self.wire.respond(invite, reply(invite, code, "Refused", tag=token()))
            return
        call = PhoneCall(self, call_id=invite.get("call-id"), invite=invite)
        self.calls.append(call)
        self._incoming.put_nowait(call)

    async def _keep_registered(self) -> None:
        while True:
            await asyncio.sleep(_REGISTER_SECONDS / 2)
            with contextlib.suppress(RegistrationRefused):
                await self._send_register(_REGISTER_SECONDS)

    async def _send_register(self, lasting_seconds: int) -> None:
        response = await self._ask_registrar(lasting_seconds, ())
        if response.code in {401, 407}:
            header = credentials(
                response, method="REGISTER", uri=self._registrar,
                user=self.user, password=self.password,
            )  # fmt: skip
            if header is not None:
                response = await self._ask_registrar(lasting_seconds, (header,))
        if response.is_refusal:
            raise RegistrationRefused(self.user, response.code)

    @property
    def _registrar(self) -> str:
        return f"sip:{self.server[0]}:{self.server[1]}"

    async def _ask_registrar(
        self, lasting_seconds: int, authorization: tuple[tuple[str, str], ...]
    ) -> Message:
        self._sequence += 1
        who = f"<sip:{self.user}@{self.server[0]}>"
        message = self.request(
            "REGISTER", self._registrar, caller=f"{who};tag={self._registration}", called=who,
            call_id=self._registration, sequence=self._sequence,
        )  # fmt: skip
        message.headers += [("Expires", str(lasting_seconds)), *authorization]
        answered: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        def take(response: Message) -> None:
            if response.is_final and not answered.done():
                answered.set_result(response)

        self.wire.request(message, take)
        return await answered
