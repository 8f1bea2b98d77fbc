from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesos.recordio import Decoder, RecordError, encode


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.lists(st.integers(1, 9), max_size=40))
def test_records_survive_any_split(records: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(encode, records))
    decoder, seen = Decoder(), []
    for size in cuts:
        seen += decoder.feed(stream[:size])
        stream = stream[size:]
    seen += decoder.feed(stream)
    assert seen == records


@pytest.mark.parametrize("garbage", [b"\n5\nhello", b"x\n", b"0\n", b"-3\n", b"1" * 30, b"99999999999\n"])
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(RecordError):
        Decoder().feed(garbage)
