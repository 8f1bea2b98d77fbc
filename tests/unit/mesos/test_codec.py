from __future__ import annotations

import json

import pytest

from mesos.codec import JsonSyntaxError, MissingFieldsError, decode, encode
from mesos.errors import CodecError
from mesos.types.frameworks import FrameworkInfo
from mesos.types.scheduler import Call, CallType
from mesos.types.tasks import HealthCheck


@pytest.mark.parametrize(
    ("document", "attribute", "expected"),
    [
        pytest.param({"type": "REVIVE", "unknown": 1}, "type", CallType.REVIVE, id="unknown fields are ignored"),
        pytest.param({"type": None}, "type", None, id="null is unset"),
        pytest.param({"type": "NO_SUCH"}, "type", None, id="an unknown name of an optional enum is unset"),
        pytest.param({"type": "REVIVE", "revive": {"roles": "a"}}, "revive.roles", ("a",), id="a scalar for a list"),
        pytest.param(
            {"decline": {"filters": {"refuse_seconds": "2.5"}}},
            "decline.filters.refuse_seconds",
            2.5,
            id="a number as text",
        ),
        pytest.param(
            {"accept": {"offer_ids": None}, "type": "ACCEPT"}, "accept.offer_ids", (), id="null for a list is unset"
        ),
    ],
)
def test_leniency(document: object, attribute: str, expected: object) -> None:
    value: object = decode(json.dumps(document).encode(), Call)
    for part in attribute.split("."):
        value = getattr(value, part)
    assert value == expected


@pytest.mark.parametrize(
    ("body", "error", "text"),
    [
        (b"{", JsonSyntaxError, "syntax error at line 1 near: {"),
        (b"[]", CodecError, "Expecting a JSON object"),
        (b'{"type": 5}', CodecError, "Not expecting a JSON number for field 'type'"),
        (b'{"kill": "x"}', CodecError, "Not expecting a JSON string for field 'kill'"),
        (b'{"kill": {}}', MissingFieldsError, "Missing required fields: kill.task_id"),
        (
            b'{"reconcile": {"tasks": [{}]}}',
            MissingFieldsError,
            "Missing required fields: reconcile.tasks[0].task_id",
        ),
        (
            b'{"acknowledge": {"agent_id": {"value": "a"}, "task_id": {"value": "t"}, "uuid": "!"}}',
            CodecError,
            "Failed to base64 decode bytes field 'uuid': Invalid character '!'",
        ),
    ],
)
def test_refusals_have_upstreams_texts(body: bytes, error: type[CodecError], text: str) -> None:
    with pytest.raises(error) as caught:
        decode(body, Call)
    assert str(caught.value) == text


def test_defaults_of_the_proto_are_written_and_unset_fields_are_not() -> None:
    assert json.loads(encode(FrameworkInfo(user="u", name="n"))) == {
        "user": "u",
        "name": "n",
        "failover_timeout": 0.0,
        "checkpoint": False,
    }
    assert b'"interval_seconds":10.0' in encode(HealthCheck())
