"""The generated file, word for word: people compare it, and tools parse its names."""

from __future__ import annotations

from typing import Any

import pytest

from marathon_lb.core.build import services
from marathon_lb.core.ports import PortRange
from marathon_lb.render import templates
from marathon_lb.render.document import Document, Shared, document
from marathon_lb.render.services import parts
from marathon_lb.render.templates import TemplateError
from tests.unit.marathon_lb.apps import RULES, SETTINGS, TEMPLATES, app, around, task

CHECK = {"portIndex": 0, "path": "/h", "intervalSeconds": 2, "timeoutSeconds": 5, "maxConsecutiveFailures": 3}
LOCAL = {"127.0.0.1": "127.0.0.1"}
TLS = Shared(certificates=("/etc/ssl/cert.pem",))


def rendered(*apps: Any, shared: Shared = TLS, texts: Any = TEMPLATES, **known: Any) -> Document:
    found = [part for each in apps for part in parts(services(each, RULES, around(**known), PortRange()), texts)]
    return document(found, texts, shared)


def section(text: str, head: str) -> str:
    """Return one section of a file, without its head."""
    (found,) = [part for part in text.split("\n\n") if part.strip().startswith(head + "\n")]
    return found.strip().removeprefix(head + "\n").rstrip("\n")


def test_without_apps_there_are_the_shared_frontends() -> None:
    assert rendered().text == (
        "global\n\nfrontend marathon_http_in\n  bind *:80\n  mode http\n"
        "\nfrontend marathon_http_appid_in\n  bind *:9091\n  mode http\n"
        "\nfrontend marathon_https_in\n  bind *:443 ssl crt /etc/ssl/cert.pem\n  mode http\n"
    )
    assert "marathon_https_in" not in rendered(shared=Shared()).text
    assert "marathon_http_in" not in rendered(shared=Shared(http=False)).text


def test_three_apps() -> None:
    def local(app_id: str, port: int, task_ports: list[int], **more: Any) -> Any:
        tasks = [task(f"t{number}", (number,), host="127.0.0.1") for number in task_ports]
        return app(app_id, (port,), tasks=tasks, **more)

    checks = [CHECK | {"protocol": "HTTP"}]
    text = rendered(
        local("/g/app0", 30000, [20000], labels={"HAPROXY_0_VHOST": "shop.example.com"}, healthChecks=checks),
        local(
            "/g/app1",
            30001,
            [20011, 20010],
            labels={
                "HAPROXY_0_VHOST": "shop.example.com,www.example.com",
                "HAPROXY_0_PATH": "/api",
                "HAPROXY_0_STICKY": "true",
            },
            healthChecks=checks,
        ),
        local("/g/app2", 30002, [20020], labels={"HAPROXY_0_MODE": "tcp", "HAPROXY_0_BALANCE": "leastconn"}),
        addresses=LOCAL,
    ).text
    assert (
        section(text, "frontend marathon_http_in")
        == """\
  bind *:80
  mode http
  acl path_g_app1_30001 path_beg /api
  acl host_shop_example_com_g_app1 hdr(host) -i shop.example.com
  acl host_shop_example_com_g_app1 hdr(host) -i www.example.com
  use_backend g_app1_30001 if host_shop_example_com_g_app1 path_g_app1_30001
  acl host_shop_example_com_g_app0 hdr(host) -i shop.example.com
  use_backend g_app0_30000 if host_shop_example_com_g_app0"""
    )
    assert (
        section(text, "frontend marathon_http_appid_in")
        == """\
  bind *:9091
  mode http
  acl app__g_app0 hdr(x-marathon-app-id) -i /g/app0
  use_backend g_app0_30000 if app__g_app0
  acl app__g_app1 hdr(x-marathon-app-id) -i /g/app1
  use_backend g_app1_30001 if app__g_app1"""
    )
    assert (
        section(text, "frontend marathon_https_in")
        == """\
  bind *:443 ssl crt /etc/ssl/cert.pem
  mode http
  acl path_g_app1_30001 path_beg /api
  use_backend g_app1_30001 if { ssl_fc_sni shop.example.com } path_g_app1_30001
  use_backend g_app1_30001 if { ssl_fc_sni www.example.com } path_g_app1_30001
  use_backend g_app0_30000 if { ssl_fc_sni shop.example.com }"""
    )
    assert (
        section(text, "backend g_app1_30001")
        == """\
  balance roundrobin
  mode http
  option forwardfor
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request add-header X-Forwarded-Proto https if { ssl_fc }
  cookie mesosphere_server_id insert indirect nocache
  option  httpchk GET /h
  timeout check 5s
  server 127_0_0_1_20010 127.0.0.1:20010 id 23928 check cookie 3e1fdbc501 check inter 2s fall 4
  server 127_0_0_1_20011 127.0.0.1:20011 id 21722 check cookie 210106b791 check inter 2s fall 4"""
    )
    assert section(text, "frontend g_app2_30002") == "  bind *:30002\n  mode tcp\n  use_backend g_app2_30002"
    assert (
        section(text, "backend g_app2_30002")
        == """\
  balance leastconn
  mode tcp
  server 127_0_0_1_20020 127.0.0.1:20020 id 18420"""
    )


HOST = "host_a_org_nginx"
ACL = f"  acl {HOST} hdr(host) -i a.org\n"
PATH = "  acl path_nginx_10000 path_beg /p\n"
USE = f"  use_backend nginx_10000 if {HOST}"
AUTH = "  acl auth_a_org_nginx http_auth(user_nginx_10000)\n"


@pytest.mark.parametrize(
    ("labels", "lines"),
    [
        pytest.param({}, f"{ACL}{USE}", id="vhost"),
        pytest.param({"PATH": "/p"}, f"{ACL}{PATH}{USE} path_nginx_10000", id="path"),
        pytest.param(
            {"REDIRECT_TO_HTTPS": "true"},
            f"{ACL}{USE}\n  redirect scheme https code 301 if !{{ ssl_fc }} {HOST}",
            id="redirect",
        ),
        pytest.param(
            {"REDIRECT_TO_HTTPS": "true", "PATH": "/p"},
            f"{ACL}{PATH}  redirect scheme https code 301 if !{{ ssl_fc }} {HOST} path_nginx_10000",
            id="redirect and path",
        ),
        pytest.param(
            {"AUTH": "realm:bob:secret"},
            f'{ACL}{AUTH}  http-request auth realm "realm" if {HOST} !auth_a_org_nginx\n{USE}',
            id="auth",
        ),
        pytest.param(
            {"AUTH": "realm:bob:secret", "PATH": "/p"},
            f'{ACL}{AUTH}{PATH}  http-request auth realm "realm" if {HOST} path_nginx_10000 !auth_a_org_nginx\n'
            f"{USE} path_nginx_10000",
            id="auth and path",
        ),
        pytest.param({"VHOST": "a.org,b.org"}, f"{ACL}  acl {HOST} hdr(host) -i b.org\n{USE}", id="two vhosts"),
        pytest.param(
            {"VHOST": "a.org,b.org", "REDIRECT_TO_HTTPS": "true", "PATH": "/p"},
            f"{PATH}{ACL}  acl {HOST} hdr(host) -i b.org\n"
            f"  redirect scheme https code 301 if !{{ ssl_fc }} {HOST} path_nginx_10000",
            id="two vhosts, redirect and path",
        ),
        pytest.param(
            {"VHOST": "a.org,b.org", "AUTH": "realm:bob:secret"},
            f"{ACL}  acl {HOST} hdr(host) -i b.org\n{AUTH}"
            f'  http-request auth realm "realm" if {HOST} !auth_a_org_nginx\n{USE}',
            id="two vhosts and auth",
        ),
    ],
)
def test_vhost_rules(labels: dict[str, str], lines: str) -> None:
    given = {f"HAPROXY_0_{name}": value for name, value in ({"VHOST": "a.org"} | labels).items()}
    text = rendered(app(labels=given)).text
    assert section(text, "frontend marathon_http_in") == f"  bind *:80\n  mode http\n{lines}"


OPTIONS = """\
  balance roundrobin
  mode http
  option forwardfor
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request add-header X-Forwarded-Proto https if { ssl_fc }
"""
SERVER = "  server agent1_1_1_1_1_1024 1.1.1.1:1024 id 28363"


@pytest.mark.parametrize(
    ("labels", "lines"),
    [
        (
            {"PROXYPASS_PATH": "/p"},
            "  http-request set-header Host a.org\n  http-request replace-path ^/p/?(.*) /\\1\n",
        ),
        (
            {"REVPROXY_PATH": "/p"},
            '  http-response replace-header Location "^(?:https?://a.org(?::[0-9]+)?)?(/.*)" "/p\\1"\n',
        ),
        (
            {"REDIR": "/p"},
            "  acl is_root path -i /\n  acl is_domain hdr(host) -i a.org\n"
            "  redirect code 301 location /p if is_domain is_root\n",
        ),
    ],
)
def test_backend_rewrites(labels: dict[str, str], lines: str) -> None:
    given = {"HAPROXY_0_VHOST": "a.org"} | {f"HAPROXY_0_HTTP_BACKEND_{name}": value for name, value in labels.items()}
    assert section(rendered(app(labels=given)).text, "backend nginx_10000") == OPTIONS + lines + SERVER


@pytest.mark.parametrize(
    ("labels", "check", "lines"),
    [
        pytest.param({}, None, SERVER, id="none"),
        pytest.param({}, {"protocol": "TCP"}, f"{SERVER} check inter 2s fall 4", id="tcp"),
        pytest.param({}, {"protocol": "MESOS_TCP", "port": 77}, f"{SERVER} check inter 2s fall 4 port 77", id="port"),
        pytest.param({}, {"protocol": "COMMAND"}, f"{SERVER} check inter 2s fall 4", id="command"),
        pytest.param(
            {"HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL": "10.0.0.0/8 127.0.0.1"},
            None,
            "  acl network_allowed src 10.0.0.0/8\n  acl network_allowed src 127.0.0.1\n"
            f"  tcp-request content accept if network_allowed\n  tcp-request content reject\n{SERVER}",
            id="networks",
        ),
    ],
)
def test_tcp_backends(labels: dict[str, str], check: dict[str, Any] | None, lines: str) -> None:
    document = app(labels=labels, healthChecks=[CHECK | check] if check else [])
    assert section(rendered(document).text, "backend nginx_10000") == f"  balance roundrobin\n  mode tcp\n{lines}"


def test_the_bind_line() -> None:
    labels = {"BIND_ADDR": "10.0.0.1", "BIND_OPTIONS": "accept-proxy", "SSL_CERT": "/c.pem", "PORT": "8443"}
    text = rendered(app(labels={f"HAPROXY_0_{name}": value for name, value in labels.items()})).text
    assert section(text, "frontend nginx_8443").splitlines()[0] == "  bind 10.0.0.1:8443 ssl crt /c.pem accept-proxy"


def test_servers_that_leave_are_not_in_the_file() -> None:
    document = app(tasks=[task("a", (1,)), task("b", (2,), state="TASK_KILLING")])
    text = rendered(document).text
    assert ("1.1.1.1:1 " in text, "1.1.1.1:2 " in text) == (True, False)


def test_templates_come_from_labels_then_the_environment_then_files(tmp_path: Any) -> None:
    (tmp_path / "HAPROXY_FRONTEND_BACKEND_GLUE").write_text("  # file\n")
    (tmp_path / "HAPROXY_BACKEND_HEAD").write_text("  # file\n")
    environ = {"HAPROXY_HEAD": "global", "HAPROXY_BACKEND_HEAD": "\\nbackend {backend}\\n  # environment"}
    texts = templates.load(SETTINGS, environ, tmp_path)
    labels = {"HAPROXY_0_FRONTEND_HEAD": "\nfrontend {backend}\n  # label {{}}\n"}
    text = rendered(app(labels=labels), texts=texts).text
    assert section(text, "frontend nginx_10000") == "  # label {}\n  # file"
    assert section(text, "backend nginx_10000").splitlines()[0] == "  # environment"


@pytest.mark.parametrize("text", ["{nobody}", "{", "{0}", "{backend.x}"])
def test_a_template_that_cannot_be_filled_is_named(text: str) -> None:
    with pytest.raises(TemplateError, match="BACKEND_HEAD"):
        rendered(app(labels={"HAPROXY_0_BACKEND_HEAD": text}))


def test_every_line_knows_its_app() -> None:
    made = rendered(app("/a", (1,)), app("/b", (2,), labels={"HAPROXY_0_VHOST": "b.org"}))
    owners = {made.owner(number) for number, line in enumerate(made.text.splitlines(), 1) if "b_2" in line}
    assert owners == {"/b"}
    assert made.owner(1) is None
