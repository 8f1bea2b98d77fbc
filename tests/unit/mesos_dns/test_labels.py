"""Labels, fragments, hash and suffix: the vectors that Mesos-DNS documents."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesos_dns.core.labels import Label, agent_suffix, fragment, rfc952, rfc1123, task_hash


@pytest.mark.parametrize(
    ("label", "text", "expected"),
    [
        pytest.param(rfc952, "4abc123", "abc123", id="952: leading digits go"),
        pytest.param(rfc952, "89fdgsf---gs7-fgs--d7fddg---123", "fdgsf---gs7-fgs--d7fddg1", id="952: room is refilled"),
        pytest.param(rfc952, "chronos with a space AND MIXED CASE-2.0.1", "chronoswithaspaceandmixe", id="952: cut"),
        pytest.param(rfc952, "hello" + "-" * 56 + "f", "hellof", id="952: dashes at the cut"),
        pytest.param(rfc1123, "hello" + "-" * 56 + "f", "hello" + "-" * 56 + "f", id="1123: 62 fit"),
        pytest.param(rfc1123, "hello" + "-" * 58 + "f", "hellof", id="1123: 64 do not"),
        pytest.param(rfc1123, "Web_Shop.v2", "web-shop-v2", id="1123: dots and underscores"),
        pytest.param(rfc1123, "-web-", "web", id="1123: outer dashes"),
        pytest.param(rfc1123, "4abc", "4abc", id="1123: leading digits stay"),
        pytest.param(rfc1123, "K\u212a\u0130", "k", id="letters that fold into ASCII are not ASCII"),
        pytest.param(rfc1123, "$!", "", id="nothing left"),
    ],
)
def test_label(label: Label, text: str, expected: str) -> None:
    assert label(text) == expected


@pytest.mark.parametrize(
    ("label", "text", "expected"),
    [
        (rfc1123, "marathon.prod", "marathon.prod"),
        (rfc1123, "pod_123$abc.marathon-0.6.0-dev.mesos", "pod-123abc.marathon-0.6.0-dev.mesos"),
        (rfc952, "pod_123$abc.marathon-0.6.0-dev.mesos", "pod-123abc.marathon-0.dev.mesos"),
        (rfc1123, "..a..b.", "a.b"),
    ],
)
def test_fragment(label: Label, text: str, expected: str) -> None:
    assert fragment(text, label) == expected


def test_hash_and_suffix_are_exact() -> None:
    assert task_hash("test") == "iffe9"
    assert task_hash("app-0.team0.instance-00000000-562f-11e4-a088-c20493233aa5._app.1") == "7xwt4"
    assert agent_suffix("20150401-5050-1-S12") == "s12"


@given(st.text(max_size=200), st.sampled_from([(rfc952, 24), (rfc1123, 63)]))
def test_any_text_gives_a_label(text: str, rule: tuple[Label, int]) -> None:
    label, max_length = rule
    made = label(text)
    assert len(made) <= max_length
    assert set(made) <= set(string.ascii_lowercase + string.digits + "-")
    assert not made.startswith("-")
    if label is rfc952:
        assert not made[:1].isdigit()
