"""Request bodies: from bytes to checked values, with errors in upstream's notation of paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from marshmallow import ValidationError

from marathon.errors import BadRequest, Invalid, NotJson, Violation
from marathon.schema.fields import Form, form_of

INVALID_JSON = "Invalid JSON"


def parse(body: bytes) -> Any:
    """Return the value of a JSON body. :raises NotJson: when there is none."""
    if not body.strip():
        raise NotJson("Please specify data in JSON format", "No content to map due to end-of-input")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJson(INVALID_JSON, str(error)) from None


def load(form: type[Form], value: Any, at: str = "") -> dict[str, Any]:
    """Check ``value`` against a form. :raises Invalid: with every wrong path, below ``at``."""
    if not isinstance(value, dict):
        raise Invalid([Violation(at or "/", "error.expected.jsobject")], INVALID_JSON)
    try:
        found: dict[str, Any] = form_of(form).load(value)
    except ValidationError as error:
        raise Invalid(_flatten(error.messages, at), INVALID_JSON) from None
    return found


def load_list(form: type[Form], value: Any) -> list[dict[str, Any]]:
    """Check every element of a list. :raises Invalid: with every wrong path."""
    if not isinstance(value, list):
        raise Invalid([Violation("/", "error.expected.jsarray")], INVALID_JSON)
    found, violations = [], list[Violation]()
    for index, each in enumerate(value):
        try:
            found.append(load(form, each, f"({index})"))
        except Invalid as error:
            violations += error.violations
    if violations:
        raise Invalid(violations, INVALID_JSON)
    return found


def ids_of(value: Any) -> list[str]:
    """Return the ids of ``{"ids": [...]}``. :raises BadRequest: when there is no list of texts."""
    ids = value.get("ids") if isinstance(value, dict) else None
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise BadRequest("The body must be an object with a list of task ids under the key 'ids'.")
    return ids


def _flatten(messages: Any, at: str) -> Iterator[Violation]:
    if isinstance(messages, dict):
        for key, value in messages.items():
            if key == "_schema":
                yield from _flatten(value, at)
            else:
                yield from _flatten(value, f"{at}({key})" if isinstance(key, int) else f"{at}/{key}")
    elif isinstance(messages, list):
        for each in messages:
            yield from _flatten(each, at)
    else:
        yield Violation(at or "/", str(messages))
