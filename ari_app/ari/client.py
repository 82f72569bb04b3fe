"""Commands to Asterisk: the ARI requests that a paid call needs, each with a deadline.

Sources: Asterisk's rest-api descriptions of 22.10. `play` and `addChannel` are never repeated:
twice played is heard twice, and a channel added again leaves and re-enters its bridge. All other
requests may be repeated once, since they are made idempotent by ids of our own.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

import aiohttp

from ari_app.ari.http import HttpTransport
from ari_app.ari.packets import Packets, of_statistics
from ari_app.ari.transport import Answer, Transport, TransportBroken
from ari_app.ari.websocket import WebsocketTransport

APPLICATION: Final = "primeline"
DEADLINE_MS: Final = 3_000
UNQUOTED: Final = "/:,"
"""Signs of media and lists that mean themselves in a query."""

UNWANTED_EVENTS: Final = (
    "ChannelVarset", "ChannelDialplan", "ChannelConnectedLine", "ChannelCallerId",
    "ChannelCreated", "Dial", "PlaybackStarted", "BridgeCreated",
    "BridgeDestroyed", "DeviceStateChanged", "PeerStatusChange", "ContactStatusChange",
    "PlaybackContinuing",
)  # fmt: skip
"""Events that no call uses; each one filtered saves CPU in Asterisk and here."""


class AriError(Exception):
    """Asterisk refused a request."""

    def __init__(self, method: str, path: str, status: int, message: str) -> None:
        super().__init__(f"{method} {path}: {status} {message}")
        self.status = status

    @property
    def gone(self) -> bool:
        """The channel, bridge or playback does not exist (any more)."""
        return self.status == 404  # noqa: PLR2004


class AriUnreachable(AriError):
    """No answer in time, or no connection."""

    def __init__(self, method: str, path: str, why: str) -> None:
        super().__init__(method, path, 0, why)


class AriClient:
    """One Asterisk. Use as an async context manager.

    `by_websocket`: requests that can't wait go over the events' socket while there is one.
    """

    def __init__(self, url: str, user: str, password: str, *, by_websocket: bool = False) -> None:
        self._url = url.rstrip("/") + "/ari"
        self._http = HttpTransport(self._url, user, password)
        self._websocket = WebsocketTransport(self._http) if by_websocket else None
        self._transport: Transport = self._websocket or self._http
        self._headers = {"Authorization": aiohttp.encode_basic_auth(user, password)}
        self._session: aiohttp.ClientSession | None = None
        self.switch_proved = False
        """Whether a dead-man's switch was read back from this Asterisk after it was set."""

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        self._session = aiohttp.ClientSession(headers=self._headers)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, trace)
        await self.session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """What the events' websocket is opened by, inside the context only."""
        assert self._session is not None, "use AriClient as a context manager"
        return self._session

    async def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        repeat: bool = True,
    ) -> Any:
        """One request; the parsed answer, or None where there is none.

        Raises:
            AriError: Asterisk answered 4xx or 5xx.
            AriUnreachable: no answer within the deadline.

        """
        target = f"{path}?{urlencode(params, safe=UNQUOTED, quote_via=quote)}" if params else path
        data = b"" if body is None else json.dumps(body).encode()
        answer = await self._answer(method, target, data, repeat=repeat)
        if answer.status >= 400:  # noqa: PLR2004
            raise AriError(method, path, answer.status, answer.body.decode(errors="replace")[:200])
        try:
            return json.loads(answer.body) if answer.body else None
        except ValueError as error:
            raise AriUnreachable(method, path, "an answer that is no JSON") from error

    async def _answer(self, method: str, target: str, data: bytes, *, repeat: bool) -> Answer:
        try:
            async with asyncio.timeout(DEADLINE_MS / 1000):
                return await self._transport.send(method, target, data)
        except TimeoutError as error:
            raise AriUnreachable(method, target, "no answer in time") from error
        except TransportBroken as error:
            if not repeat:
                raise AriUnreachable(method, target, str(error)) from error
        # Asterisk was started anew meanwhile, or closed the connection as it was used.
        return await self._answer(method, target, data, repeat=False)

    # Channels.

    async def answer(self, channel: str) -> None:
        """Answer an incoming channel."""
        await self.request("POST", f"channels/{channel}/answer")

    async def ring(self, channel: str, *, on: bool) -> None:
        """Let the channel hear ringing, or stop it."""
        await self.request("POST" if on else "DELETE", f"channels/{channel}/ring")

    async def play(self, channel: str, playback: str, sounds: Sequence[str]) -> None:
        """Play sound files (absolute, without extension) one after the other."""
        params = {"media": ",".join(f"sound:{sound}" for sound in sounds)}
        await self.request("POST", f"channels/{channel}/play/{playback}", params, repeat=False)

    async def stop_playback(self, playback: str) -> None:
        """Stop a playback; its channel is free within milliseconds."""
        await self.request("DELETE", f"playbacks/{playback}")

    async def set_variables(self, channel: str, variables: Mapping[str, str]) -> None:
        """Set channel variables or functions; waits behind a prompt on that channel."""
        body = {"variables": dict(variables)}
        await self.request("POST", f"channels/{channel}/variables", body=body)

    async def variable(self, channel: str, name: str) -> str:
        """Read a channel variable or function."""
        answer = await self.request("GET", f"channels/{channel}/variable", {"variable": name})
        return str(answer["value"])

    async def packets(self, channel: str) -> Packets:
        """Count the voice packets of a channel that lives."""
        answer = await self.request("GET", f"channels/{channel}/rtp_statistics")
        try:
            return of_statistics(answer)
        except (KeyError, TypeError, ValueError) as error:
            raise AriUnreachable("GET", "rtp_statistics", "an answer without counts") from error

    async def create(
        self, channel: str, endpoint: str, args: str, originator: str, variables: Mapping[str, str]
    ) -> None:
        """Create a channel to `endpoint` without dialling it; its `StasisStart` follows."""
        params = {
            "endpoint": endpoint,
            "app": APPLICATION,
            "appArgs": args,
            "channelId": channel,
            "originator": originator,
        }
        body = {"variables": dict(variables)}
        try:
            await self.request("POST", "channels/create", params, body)
        except AriError as error:
            # A 409 proves nothing (it may be our own first try, or no channel at all): ask.
            if error.status != 409:  # noqa: PLR2004
                raise
            await self.request("GET", f"channels/{channel}")

    async def dial(self, channel: str, seconds: int) -> None:
        """Dial a created channel for at most `seconds`."""
        await self.request(
            "POST", f"channels/{channel}/dial", {"timeout": str(seconds)}, repeat=False
        )

    async def hang_up(self, channel: str, cause: int | None = None) -> None:
        """Hang up; the Q.850 `cause` decides the SIP answer of an unanswered channel."""
        params = {"reason_code": str(cause)} if cause is not None else None
        await self.request("DELETE", f"channels/{channel}", params)

    async def leave(self, channel: str, context: str, extension: str) -> None:
        """Send a channel back into the dialplan; done behind what it hears now."""
        params = {"context": context, "extension": extension, "priority": "1"}
        await self.request("POST", f"channels/{channel}/continue", params)

    async def channels(self) -> list[dict[str, Any]]:
        """All channels there are."""
        return list(await self.request("GET", "channels"))

    # Bridges.

    async def make_bridge(self, bridge: str) -> None:
        """Make an empty bridge in which both sides' digits are told as events."""
        params = {"type": "mixing,dtmf_events"}
        await self.request("POST", f"bridges/{bridge}", params)

    async def join(self, bridge: str, channels: Sequence[str]) -> None:
        """Put channels into the bridge, in this order; digits aren't passed on."""
        params = {"channel": ",".join(channels), "absorbDTMF": "true"}
        await self.request("POST", f"bridges/{bridge}/addChannel", params, repeat=False)

    async def press(self, channel: str, digits: str) -> None:
        """Let a channel's phone hear keys, one after the other."""
        await self.request("POST", f"channels/{channel}/dtmf", {"dtmf": digits}, repeat=False)

    async def announce(self, bridge: str, playback: str, sounds: Sequence[str]) -> None:
        """Play sound files to all in the bridge, over what they say."""
        params = {"media": ",".join(f"sound:{sound}" for sound in sounds)}
        await self.request("POST", f"bridges/{bridge}/play/{playback}", params, repeat=False)

    async def drop_bridge(self, bridge: str) -> None:
        """Take the bridge down; its channels stay up, apart."""
        await self.request("DELETE", f"bridges/{bridge}")

    async def bridges(self) -> list[dict[str, Any]]:
        """All bridges there are."""
        return list(await self.request("GET", "bridges"))

    # Endpoints, playbacks and the application.

    async def online_endpoints(self) -> dict[str, bool]:
        """All trunks and phones by name, and whether calls could reach them now."""
        found = await self.request("GET", "endpoints/PJSIP")
        return {one["resource"]: one.get("state") == "online" for one in found}

    async def plays(self, playback: str) -> bool:
        """Whether a playback goes on or waits."""
        try:
            await self.request("GET", f"playbacks/{playback}")
        except AriError as error:
            if not error.gone:
                raise
            return False
        return True

    async def global_variable(self, name: str) -> str:
        """Read a global variable; empty if there is none."""
        answer = await self.request("GET", "asterisk/variable", {"variable": name})
        return str(answer["value"])

    async def set_global_variable(self, name: str, value: str) -> None:
        """Set a global variable, which lasts until Asterisk ends."""
        await self.request("POST", "asterisk/variable", {"variable": name, "value": value})

    async def open_events(self, heartbeat_seconds: int) -> aiohttp.ClientWebSocketResponse:
        """Open the events websocket. Our channels' subscriptions outlive its loss."""
        self.switch_proved = False
        url = f"{self._url}/events?app={APPLICATION}&subscribeAll=false"
        socket = await self.session.ws_connect(url, heartbeat=heartbeat_seconds, max_msg_size=0)
        if self._websocket is not None:
            self._websocket.connected(socket)
        return socket

    @property
    def transport(self) -> str:
        """What requests that can't wait go over while there is a socket."""
        return "http" if self._websocket is None else "websocket"

    def answered(self, message: Mapping[str, Any]) -> None:
        """Take an answer that came by the events' websocket."""
        if self._websocket is not None:
            self._websocket.answered(message)

    def events_ended(self) -> None:
        """Nothing more comes by the events' websocket."""
        if self._websocket is not None:
            self._websocket.lost()

    async def application_channels(self) -> list[str]:
        """The ids of the channels that are in our application."""
        answer = await self.request("GET", f"applications/{APPLICATION}")
        return list(answer["channel_ids"])

    async def filter_events(self) -> None:
        """Ask for fewer events; forgotten by Asterisk when the socket is lost."""
        body = {"disallowed": [{"type": kind} for kind in UNWANTED_EVENTS]}
        await self.request("PUT", f"applications/{APPLICATION}/eventFilter", body=body)
