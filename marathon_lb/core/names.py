"""Names and ids in HAProxy's file. Dashboards and deployers parse them, so they never change.

Source: marathon-lb ``config.py``, ``utils.py`` (``ServerNameIdGenerator``).
"""

from __future__ import annotations

import hashlib
import re

_ODD = re.compile(r"[^a-zA-Z0-9-]")
_INSTANCE = re.compile(r"(.+[._](?:instance-|marathon-)[0-9a-f-]+)(?:\._?[^.]*(?:\.\d+)?)?\Z")

MAX_SERVER_ID = 32767
"""Ids are taken modulo this."""


def backend(app_id: str, port: int) -> str:
    """Return the name of the frontend and the backend of a service: ``/g/app`` on 10000 is ``g_app_10000``."""
    return f"{app_id[1:].replace('/', '_')}_{port}"


def plain(text: str) -> str:
    """Return ``text`` with everything but letters, digits and dashes as underscores."""
    return _ODD.sub("_", text)


def host_acl(vhost: str, app_id: str) -> str:
    """Return the ending of the acl's name for a vhost: ``test_example_com_nginx``."""
    return f"{plain(vhost)}_{app_id[1:].replace('/', '_')}"


def server(host: str, ip: str, port: int) -> str:
    """Return the name of a server: host, address (unless they are the same) and port."""
    return plain(f"{host}_{port}" if host == ip else f"{host}_{ip}_{port}")


def server_id(name: str, taken: set[int]) -> int:
    """Return an id for the server and note it in ``taken``; the same names give the same ids again.

    :raises ValueError: when the name is empty.
    """
    if not name:
        raise ValueError("a server needs a name")
    text = name
    while True:
        digest = hashlib.sha256(text.encode()).hexdigest()
        number = int(digest, 16) % MAX_SERVER_ID
        if number != 0 and number not in taken:
            taken.add(number)
            return number
        text = f"{text} {digest}"


def cookie(server_name: str) -> str:
    """Return the value of the sticky cookie that stands for a server."""
    return hashlib.sha1(server_name.encode(), usedforsecurity=False).hexdigest()[:10]


def instance_of(task_id: str) -> str:
    """Return the instance that a task belongs to: its id without the task's own ending."""
    match = _INSTANCE.match(task_id)
    return match[1] if match else task_id
