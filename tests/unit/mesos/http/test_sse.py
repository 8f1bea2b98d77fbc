from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesos.http.sse import SseDecoder, SseEvent, frame

text = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0", exclude_categories=["Cs", "Cc"]), max_size=20)


@given(st.lists(text.filter(bool), max_size=5), st.lists(st.integers(1, 9), max_size=60))
def test_events_survive_any_split(payloads: list[str], cuts: list[int]) -> None:
    stream = b"".join(frame("kind", payload.encode()) for payload in payloads)
    decoder, seen = SseDecoder(), []
    for size in cuts:
        seen += decoder.feed(stream[:size])
        stream = stream[size:]
    seen += decoder.feed(stream)
    assert [event.data for event in seen] == payloads
    assert {event.event for event in seen} <= {"kind"}


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"event: a\r\ndata: 1\r\n\r\n", [SseEvent("a", "1")]),
        (b"\r\n\r\n\r\n", []),
        (b": comment\n\ndata: x\n\n", [SseEvent("message", "x")]),
        (b"event: lost\n\ndata: 1\n\n", [SseEvent("message", "1")]),
        (b"id: 7\ndata: 1\ndata: 2\n\n", [SseEvent("message", "1\n2", "7")]),
    ],
)
def test_what_the_standard_says(stream: bytes, events: list[SseEvent]) -> None:
    assert SseDecoder().feed(stream) == events
