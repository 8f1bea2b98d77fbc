from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesos import link
from mesos.types.ids import TaskID
from mesos.types.tasks import TaskState, TaskStatus

STATUS = TaskStatus(task_id=TaskID("t"), state=TaskState.TASK_RUNNING, uuid=b"\x00" * 16)


@given(st.lists(st.integers(1, 12), max_size=60))
def test_messages_survive_any_split(cuts: list[int]) -> None:
    sent = [link.Pong(), link.StatusUpdate("f", STATUS, TaskState.TASK_RUNNING), link.Pong()]
    stream = b"".join(map(link.frame, sent))
    unframer, bodies = link.Unframer(), []
    for size in cuts:
        bodies += unframer.feed(stream[:size])
        stream = stream[size:]
    bodies += unframer.feed(stream)
    assert [link._from_agent.decode(body) for body in bodies] == sent


def test_an_endless_frame_is_refused() -> None:
    with pytest.raises(link.LinkError, match="allowed are"):
        link.Unframer().feed(b"\xff\xff\xff\xff")
