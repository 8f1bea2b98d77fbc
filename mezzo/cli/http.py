"""HTTP for commands: one call, one answer, and errors that say what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import requests

from mezzo.errors import ApiError

TIMEOUT_S = 30.0


class Api:
    """One program's HTTP API.

    :param url: where it is, e.g. ``http://127.0.0.1:8080``.
    :param what: its name in error texts.
    :param hint: how a user would point the command elsewhere.
    """

    def __init__(self, url: str, what: str, hint: str) -> None:
        self.url = url.rstrip("/")
        self._what, self._hint = what, hint
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment does not lead to a local cluster

    def get(self, path: str, /, **query: Any) -> Any:
        """Return the JSON of ``GET path``. :raises ApiError: when it is refused or nobody answers."""
        return self._call("GET", path, query=query)

    def post(self, path: str, /, body: Any = None, **query: Any) -> Any:
        """Return the JSON of ``POST path``."""
        return self._call("POST", path, body=body, query=query)

    def put(self, path: str, /, body: Any = None, **query: Any) -> Any:
        """Return the JSON of ``PUT path``."""
        return self._call("PUT", path, body=body, query=query)

    def delete(self, path: str, /, **query: Any) -> Any:
        """Return the JSON of ``DELETE path``."""
        return self._call("DELETE", path, query=query)

    def events(self, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give (type, payload) of each event of a server-sent stream, until it ends."""
        headers = {"Accept": "text/event-stream"}
        try:
            with self._session.get(self.url + path, headers=headers, stream=True, timeout=(5, 60)) as answer:
                if answer.status_code != 200:
                    raise self._refusal(answer)
                kind = ""
                for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
                    if line.startswith("event:"):
                        kind = line[6:].strip()
                    elif line.startswith("data:"):
                        yield kind, json.loads(line[5:])
        except requests.RequestException as error:
            raise self._unreachable(error) from error

    def _call(self, method: str, path: str, *, body: Any = None, query: dict[str, Any] | None = None) -> Any:
        try:
            answer = self._session.request(method, self.url + path, json=body, params=query, timeout=TIMEOUT_S)
        except requests.RequestException as error:
            raise self._unreachable(error) from error
        if answer.status_code >= 400:
            raise self._refusal(answer)
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError:
            return answer.text

    def _unreachable(self, error: requests.RequestException) -> ApiError:
        reason = "no answer in time" if isinstance(error, requests.Timeout) else "nobody listens there"
        return ApiError(f"{self._what} at {self.url} cannot be reached ({reason}); {self._hint}")

    def _refusal(self, answer: requests.Response) -> ApiError:
        return ApiError(f"{self._what} answered {answer.status_code}: {_explain(answer)}", answer.status_code)


def _explain(answer: requests.Response) -> str:
    """Return the message of an error body, with every wrong path on a line of its own."""
    try:
        body = answer.json()
    except ValueError:
        return answer.text.strip() or answer.reason
    if not isinstance(body, dict):
        return str(body)
    lines = [str(body.get("message", answer.reason))]
    details = body.get("details")
    if isinstance(details, str):
        lines.append(f"  {details}")
    for detail in details if isinstance(details, list) else ():
        lines += [f"  {detail.get('path', '/')}: {text}" for text in detail.get("errors", ())]
    lines += [f"  deployment {each['id']}" for each in body.get("deployments", ())]
    return "\n".join(lines)
