"""HAProxy itself accepts what every label makes."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from marathon_lb.core.build import services
from marathon_lb.core.ports import PortRange
from marathon_lb.drivers.runtime import without_leaving
from marathon_lb.render import templates
from marathon_lb.render.document import Shared, document
from marathon_lb.render.services import parts
from tests.unit.marathon_lb.apps import RULES, SETTINGS, app, around, task

pytestmark = pytest.mark.integration

CHECK = {"protocol": "HTTP", "portIndex": 0, "path": "/h", "intervalSeconds": 2, "timeoutSeconds": 5}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificate")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=a.org -keyout key.pem -out cert.pem"
    subprocess.run(shlex.split(command), cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    return both


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"VHOST": "a.org,b.org", "PATH": "-i /a /b", "BACKEND_WEIGHT": "3"},
        {"VHOST": "a.org", "REDIRECT_TO_HTTPS": "true", "USE_HSTS": "true"},
        {"VHOST": "a.org", "REDIRECT_TO_HTTPS": "true", "PATH": "/a", "STICKY": "true"},
        {"VHOST": "a.org", "AUTH": "a realm:bob:$6$salt$hash"},
        {"VHOST": "a.org,b.org", "AUTH": "a realm:bob:$6$salt$hash", "PATH": "/a"},
        {"VHOST": "a.org", "HTTP_BACKEND_PROXYPASS_PATH": "/p", "HTTP_BACKEND_REVPROXY_PATH": "/p"},
        {"VHOST": "a.org", "HTTP_BACKEND_REDIR": "/welcome", "BACKEND_NETWORK_ALLOWED_ACL": "10.0.0.0/8"},
        {"MODE": "tcp", "BACKEND_NETWORK_ALLOWED_ACL": "10.0.0.0/8 127.0.0.1", "BALANCE": "source"},
        {"BIND_ADDR": "127.0.0.1", "BIND_OPTIONS": "accept-proxy", "PORT": "23456", "MODE": "http"},
        {"SSL_CERT": "CERTIFICATE", "MODE": "http", "BALANCE": "uri depth 8"},
    ],
)
def test_haproxy_accepts_the_file(tmp_path: Path, certificate: Path, labels: dict[str, str]) -> None:
    given = {f"HAPROXY_0_{name}": value.replace("CERTIFICATE", str(certificate)) for name, value in labels.items()}
    made = app(labels=given, tasks=[task("a", (1,)), task("b", (2,), host="agent2")], healthChecks=[CHECK])
    texts = templates.load(SETTINGS, {})
    rendered = parts(services(made, RULES, around(), PortRange()), texts)
    file = tmp_path / "haproxy.cfg"
    file.write_text(document(rendered, texts, Shared(certificates=(str(certificate),))).text)
    checked = subprocess.run(["haproxy", "-c", "-f", str(file)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_the_next_worker_hears_of_no_server_in_maintenance() -> None:
    head = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n"
    states = head + "3 be 1 up 1.1.1.1 2 0\n3 be 2 out 1 0 1\n"
    assert without_leaving(states).splitlines()[2:] == ["3 be 1 up 1.1.1.1 2 0"]
