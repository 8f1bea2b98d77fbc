"""Sandboxes to be looked at: browse, read, download; under their real and their virtual names.

Only what lies in a sandbox of this agent can be reached, whatever a path says and wherever a link leads. Source: Mesos
``files/files.cpp``.
"""

from __future__ import annotations

import grp
import mimetypes
import os
import pwd
import re
import stat
from pathlib import Path
from typing import Any

from aiohttp import web

from agent.errors import NoSuchPath
from mesos.http.app import jsonp, text_response

MAX_READ_BYTES = 16 * 4096
"""Of one answer. Source: Mesos ``files.cpp``, 16 pages."""

_VIRTUAL = re.compile(r"/frameworks/(?P<framework>[^/]+)/executors/(?P<executor>[^/]+)/runs/(?P<rest>.*)\Z")


class Files:
    """The files of one agent's sandboxes.

    :param agent_id: asked anew each time: an agent gets its id late.
    """

    def __init__(self, work_dir: Path, agent_id: Any, log_file: Path | None = None) -> None:
        self._work_dir, self._agent_id, self._log_file = work_dir.absolute(), agent_id, log_file

    def add_to(self, app: web.Application) -> None:
        """Register all routes."""
        for name, handler in (
            ("browse", self._browse),
            ("read", self._read),
            ("download", self._download),
            ("debug", self._debug),
        ):
            for path in (f"/files/{name}", f"/files/{name}.json", f"/files/{name}/"):
                app.router.add_route("*", path, handler)

    def resolve(self, path: str) -> Path:
        """Return the real path. :raises NoSuchPath: when it is not there or not in a sandbox."""
        if path == "/slave/log" and self._log_file is not None:
            return self._log_file
        slaves = self._work_dir / "slaves"
        real = Path(path)
        match = _VIRTUAL.match(path)
        if match is not None and not path.startswith(str(self._work_dir)):
            real = slaves / str(self._agent_id()) / path.lstrip("/")
        try:
            found = real.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise NoSuchPath(path) from error
        if not found.is_relative_to(slaves.resolve()):
            raise NoSuchPath(path)
        return found

    def list(self, path: str) -> list[os.DirEntry[str]]:
        """Return the entries of a directory, sorted; of a file none."""
        found = self.resolve(path)
        if not found.is_dir():
            return []
        with os.scandir(found) as entries:
            return sorted(entries, key=lambda entry: entry.name)

    async def _browse(self, request: web.Request) -> web.Response:
        path = request.query.get("path")
        if not path:
            return text_response(400, "Expecting 'path=value' in query.\n")
        try:
            entries = self.list(path)
        except NoSuchPath:
            return text_response(404, "404 Not Found.")
        return jsonp(request, [_row(path.rstrip("/"), entry) for entry in entries])

    async def _read(self, request: web.Request) -> web.Response:
        path = request.query.get("path")
        if not path:
            return text_response(400, "Expecting 'path=value' in query.\n")
        offset, length = request.query.get("offset"), request.query.get("length")
        for name, text in (("offset", offset), ("length", length)):
            if text is not None and not re.fullmatch(r"-?\d+", text):
                return text_response(400, f"Failed to parse {name}: Failed to convert '{text}' to number.\n")
        try:
            found = self.resolve(path)
        except NoSuchPath:
            return text_response(404, "404 Not Found.")
        if found.is_dir():
            return text_response(400, "Cannot read a directory.\n")
        size = found.stat().st_size
        if offset is None or int(offset) == -1:
            return jsonp(request, {"data": "", "offset": size})
        wanted = int(length) if length is not None and int(length) >= 0 else MAX_READ_BYTES
        data = read(found, int(offset), wanted)
        return jsonp(request, {"data": data.decode(errors="replace"), "offset": int(offset)})

    async def _download(self, request: web.Request) -> web.StreamResponse:
        path = request.query.get("path")
        if not path:
            return text_response(400, "Expecting 'path=value' in query.\n")
        try:
            found = self.resolve(path)
        except NoSuchPath:
            return text_response(404, "404 Not Found.")
        if found.is_dir():
            return text_response(400, "Cannot download a directory.\n")
        kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        headers = {"Content-Disposition": f"attachment; filename={found.name}", "Content-Type": kind}
        return web.FileResponse(found, headers=headers)

    async def _debug(self, request: web.Request) -> web.Response:
        slaves = self._work_dir / "slaves"
        runs = slaves.glob("*/frameworks/*/executors/*/runs/*") if slaves.is_dir() else ()
        return jsonp(request, {str(each): str(each.resolve()) for each in runs})


def read(path: Path, offset: int, length: int) -> bytes:
    """Return at most ``length`` bytes (and never more than 64 KiB) from ``offset``; nothing from beyond the end."""
    with path.open("rb") as file:
        file.seek(max(0, offset))
        return file.read(min(length, MAX_READ_BYTES))


def _row(parent: str, entry: os.DirEntry[str]) -> dict[str, Any]:
    found = entry.stat(follow_symlinks=False)
    return {
        "path": f"{parent}/{entry.name}",
        "nlink": found.st_nlink,
        "size": found.st_size,
        "mtime": float(int(found.st_mtime)),
        "mode": stat.filemode(found.st_mode),
        "uid": _user(found.st_uid),
        "gid": _group(found.st_gid),
    }


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
