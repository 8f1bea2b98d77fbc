"""What all v1 endpoints check before they look at a call, in upstream's order. Source: Mesos ``master/http.cpp``."""

from __future__ import annotations

from typing import TypeVar

from master.api.gate import Elsewhere
from mesos.codec import JsonSyntaxError, decode
from mesos.errors import CodecError
from mesos.http.server import Exchange

T = TypeVar("T")

JSON, PROTOBUF = "application/json", "application/x-protobuf"


class Refusal(Exception):
    """The call is answered with an error."""

    def __init__(self, status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.status, self.text, self.headers = status, text, headers
        super().__init__(text)

    @classmethod
    def elsewhere(cls, answer: Elsewhere) -> Refusal:
        """Make a refusal of what a standby answers."""
        headers = (("Location", answer.location),) if answer.location else ()
        return cls(answer.status, answer.text, headers)

    def send(self, exchange: Exchange) -> None:
        """Answer."""
        exchange.respond(self.status, self.text.encode(), headers=self.headers)


def read_call(exchange: Exchange, kind: type[T]) -> T:
    """Return the call in the body.

    :raises Refusal: 405 for another method, 400 without Content-Type or for a bad body, 415 for another type.
    """
    if exchange.method != "POST":
        text = f"405 Method Not Allowed. Expecting one of {{ 'POST' }}, but received '{exchange.method}'"
        raise Refusal(405, text, (("Allow", "POST"),))
    media = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not media:
        raise Refusal(400, "Expecting 'Content-Type' to be present")
    if media != JSON:
        raise Refusal(415, f"Expecting 'Content-Type' of {JSON} or {PROTOBUF}")
    try:
        return decode(exchange.body, kind)
    except JsonSyntaxError as error:
        raise Refusal(400, f"Failed to parse body into JSON: {error}") from error
    except CodecError as error:
        raise Refusal(400, f"Failed to convert JSON into Call protobuf: {error}") from error


def require_json_accepted(exchange: Exchange) -> None:
    """Refuse a client that takes no JSON. :raises Refusal: 406."""
    accept = exchange.headers.get("accept", "*/*")
    for part in accept.split(","):
        media, _, parameters = part.partition(";")
        if media.strip().lower() in ("*/*", "application/*", JSON) and parameters.strip().replace(" ", "") != "q=0":
            return
    raise Refusal(406, f"Expecting 'Accept' to allow {JSON} or {PROTOBUF}")
