"""Directories of persistent volumes. What is in them outlives tasks, agents and hosts' restarts."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

log = logging.getLogger(__name__)


def make(path: str) -> None:
    """Make a volume's directory; one that is there stays as it is."""
    Path(path).mkdir(parents=True, exist_ok=True, mode=0o750)


def remove(path: str) -> None:
    """Remove a volume with all that is in it; of a mounted disk only the content."""
    directory = Path(path)
    try:
        if directory.is_mount():
            for each in directory.iterdir():
                shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
        else:
            shutil.rmtree(directory)
    except FileNotFoundError:
        pass
    except OSError as error:
        log.error("a volume could not be removed", extra={"path": path, "error": str(error)})
