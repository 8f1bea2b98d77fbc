from __future__ import annotations

from pathlib import Path

import pytest

from mesos.errors import ConfigError
from mesos.zk import ZkUrl, parse_zk_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zk://h:2181", ZkUrl("h:2181", "/")),
        ("zk://h1:2181,h2:2182/mesos", ZkUrl("h1:2181,h2:2182", "/mesos")),
        ("zk://h/a/b/", ZkUrl("h", "/a/b")),
        ("zk://user:p@ss@h:1/mesos", ZkUrl("h:1", "/mesos", "user:p@ss")),
    ],
)
def test_urls(text: str, expected: ZkUrl) -> None:
    assert parse_zk_url(text) == expected


@pytest.mark.parametrize("text", ["", "h:2181/mesos", "zk://", "zk:///mesos", "zk://h,,h2/x", "zk://user@h/x"])
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_zk_url(text)


def test_a_file_may_hold_the_url(tmp_path: Path) -> None:
    (tmp_path / "zk").write_text("zk://user:secret@h:2181/mesos\n")
    assert parse_zk_url(f"file://{tmp_path}/zk") == ZkUrl("h:2181", "/mesos", "user:secret")
    with pytest.raises(ConfigError, match="cannot read"):
        parse_zk_url(f"file://{tmp_path}/missing")


@pytest.mark.parametrize(("path", "expected"), [("/", "/state/a"), ("/marathon", "/marathon/state/a")])
def test_children_of_the_path(path: str, expected: str) -> None:
    assert ZkUrl("h", path).child("state", "a") == expected
