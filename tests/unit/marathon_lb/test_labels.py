"""Labels: what each means, and what is no value for it."""

from __future__ import annotations

from typing import Any

import pytest

from marathon_lb.core import labels
from marathon_lb.core.labels import Auth, LabelError


@pytest.mark.parametrize(
    ("label", "text", "field", "value"),
    [
        ("HAPROXY_0_VHOST", "A.example.com, b.example.com", "vhosts", ("a.example.com", "b.example.com")),
        ("HAPROXY_0_PATH", "-i /a /b", "path", "-i /a /b"),
        ("HAPROXY_0_BACKEND_WEIGHT", "7", "weight", 7),
        ("HAPROXY_0_STICKY", "T", "sticky", True),
        ("HAPROXY_0_STICKY", "1", "sticky", False),
        ("HAPROXY_0_REDIRECT_TO_HTTPS", "yes", "redirect_to_https", True),
        ("HAPROXY_0_USE_HSTS", "true", "use_hsts", True),
        ("HAPROXY_0_SSL_CERT", "/etc/ssl/a.pem", "ssl_cert", "/etc/ssl/a.pem"),
        ("HAPROXY_0_BIND_OPTIONS", "accept-proxy defer-accept", "bind_options", "accept-proxy defer-accept"),
        ("HAPROXY_0_BIND_ADDR", "10.0.0.1", "bind_addr", "10.0.0.1"),
        ("HAPROXY_0_PORT", "8443", "port", 8443),
        ("HAPROXY_0_MODE", "HTTP", "mode", "http"),
        ("HAPROXY_0_BALANCE", "uri depth 8", "balance", "uri depth 8"),
        ("HAPROXY_0_ENABLED", "no", "enabled", False),
        ("HAPROXY_0_GROUP", "a,b", "groups", ("a", "b")),
        ("HAPROXY_0_AUTH", "my realm:bob:$6$x", "auth", Auth("my realm", "bob", "$6$x")),
        ("HAPROXY_0_HTTP_BACKEND_PROXYPASS_PATH", "/p", "proxypass_path", "/p"),
        ("HAPROXY_0_HTTP_BACKEND_REVPROXY_PATH", "/p", "revproxy_path", "/p"),
        ("HAPROXY_0_HTTP_BACKEND_REDIR", "/r", "redirect_path", "/r"),
        (
            "HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL",
            "10.0.0.0/8 127.0.0.1",
            "network_allowed",
            ("10.0.0.0/8", "127.0.0.1"),
        ),
        ("HAPROXY_0_BACKEND_HEALTHCHECK_PORT_INDEX", "1", "check_port_index", 1),
    ],
)
def test_a_label_sets_its_field(label: str, text: str, field: str, value: Any) -> None:
    assert getattr(labels.read({label: text}, frozenset())[0], field) == value


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("HAPROXY_0_PORT", "many"),
        ("HAPROXY_0_PORT", "0"),
        ("HAPROXY_0_PORT", "65536"),
        ("HAPROXY_0_BACKEND_WEIGHT", "heavy"),
        ("HAPROXY_0_BACKEND_HEALTHCHECK_PORT_INDEX", "x"),
        ("HAPROXY_0_MODE", "udp"),
        ("HAPROXY_0_AUTH", "realm:user"),
        ("HAPROXY_0_AUTH", 'a"b:user:pass'),
        ("HAPROXY_0_AUTH", "realm:a b:pass"),
        ("HAPROXY_0_VHOST", "a.org } or { always_true"),
        ("HAPROXY_0_VHOST", "a.org\n  stats enable"),
        ("HAPROXY_0_PATH", "/a\n  stats enable"),
        ("HAPROXY_0_PATH", "-f /etc/passwd"),
        ("HAPROXY_0_PATH", "/a { src 1.1.1.1 }"),
        ("HAPROXY_0_BALANCE", "roundrobin\n  stats enable"),
        ("HAPROXY_0_BIND_ADDR", "* name x"),
        ("HAPROXY_0_BIND_OPTIONS", "ssl\r  x"),
        ("HAPROXY_0_SSL_CERT", "/a.pem\n  mode tcp"),
        ("HAPROXY_0_HTTP_BACKEND_REDIR", "/x y"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(label: str, text: str) -> None:
    with pytest.raises(LabelError, match=label):
        labels.read({label: text}, frozenset())


def test_indexes_are_apart_and_unknown_labels_are_left_alone() -> None:
    options = labels.read(
        {"HAPROXY_0_VHOST": "a", "HAPROXY_12_MODE": "tcp", "HAPROXY_0_X": "y", "other": "z"}, frozenset()
    )
    assert options.keys() == {0, 12}
    assert (options[0].vhosts, options[12].mode) == (("a",), "tcp")


@pytest.mark.parametrize(("given", "weight"), [({}, 1), ({"HAPROXY_0_BACKEND_WEIGHT": "5"}, 5)])
def test_a_path_goes_before_the_bare_host(given: dict[str, str], weight: int) -> None:
    assert labels.read({"HAPROXY_0_PATH": "/a"} | given, frozenset())[0].weight == weight


def test_template_labels_count_only_when_they_are_enabled() -> None:
    label = {"HAPROXY_0_BACKEND_HEAD": "a\r\nb"}
    assert labels.read(label, frozenset(("BACKEND_HEAD",)))[0].templates == {"BACKEND_HEAD": "a\nb"}
    assert labels.read(label, frozenset())[0].templates == {}
