"""Brings URIs into a sandbox: http, https, file and plain paths; unpacks archives. Source: Mesos ``fetcher.cpp``.

What was done is written to the sandbox's stderr, so that whoever waits for a large download can see it.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import tarfile
import zipfile
from pathlib import Path
from urllib.parse import unquote, urlparse

import aiohttp

from agent.errors import FetchFailed
from mesos.types.containers import URI

STALL_TIMEOUT_S = 60.0
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


async def fetch(uris: tuple[URI, ...], sandbox: Path, log: Path) -> None:
    """Fetch all URIs, one after the other.

    :raises FetchFailed: naming the URI and what went wrong.
    """
    for uri in uris:
        _say(log, f"fetching {uri.value}")
        target = _target(uri, sandbox)
        try:
            await _download(uri.value, target)
            await asyncio.to_thread(_finish, uri, target, sandbox)
        except FetchFailed as error:
            _say(log, str(error))
            raise
        except (OSError, ValueError, tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
            _say(log, f"failed: {error}")
            raise FetchFailed(f"Failed to fetch '{uri.value}': {error}") from error
        _say(log, f"fetched {uri.value} to {target.name}")


def _target(uri: URI, sandbox: Path) -> Path:
    """Return where a URI goes; never outside of the sandbox."""
    name = uri.output_file or os.path.basename(uri.value.rstrip("/"))
    target = (sandbox / name).resolve()
    if not name or not target.is_relative_to(sandbox.resolve()) or target == sandbox.resolve():
        raise FetchFailed(f"Failed to fetch '{uri.value}': '{name}' is no name within the sandbox")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


async def _download(value: str, target: Path) -> None:
    parsed = urlparse(value)
    if parsed.scheme in ("http", "https"):
        await _download_http(value, target)
    elif parsed.scheme in ("", "file"):
        source = unquote(parsed.path) if parsed.scheme else value
        if not source.startswith("/"):
            raise FetchFailed(f"Failed to fetch '{value}': a path must be absolute")
        await asyncio.to_thread(shutil.copyfile, source, target)
    else:
        raise FetchFailed(f"Failed to fetch '{value}': nothing here can fetch {parsed.scheme} URIs")


async def _download_http(value: str, target: Path) -> None:
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=STALL_TIMEOUT_S, sock_read=STALL_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session,
            session.get(value) as answer,
        ):
            if answer.status != 200:
                raise FetchFailed(f"Failed to fetch '{value}': the server answered {answer.status} {answer.reason}")
            with target.open("wb") as file:
                async for piece in answer.content.iter_chunked(1 << 18):
                    await asyncio.to_thread(file.write, piece)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise FetchFailed(f"Failed to fetch '{value}': {error or 'no data for a minute'}") from error


def _finish(uri: URI, target: Path, sandbox: Path) -> None:
    """Make a file executable, or unpack it; archives stay beside what was in them."""
    if uri.executable:
        target.chmod(target.stat().st_mode | 0o111)
    elif uri.extract:
        _unpack(target, sandbox)


def _unpack(archive: Path, sandbox: Path) -> None:
    name = archive.name.partition("?")[0]
    if name.endswith(TAR_SUFFIXES):
        with tarfile.open(archive) as tar:
            tar.extractall(sandbox, filter="tar")
    elif name.endswith(".zip"):
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(sandbox)
    elif name.endswith(".gz"):
        with gzip.open(archive) as packed_file, (sandbox / name.removesuffix(".gz")).open("wb") as plain:
            shutil.copyfileobj(packed_file, plain)


def _say(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(f"fetcher: {text}\n")
