"""``python -m marathon``: reads the settings and runs the program."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence

from marathon.app import serve
from marathon.config import Config, as_written_upstream
from mesos import logs
from mesos.config import HelpRequested, load
from mesos.errors import ConfigError
from mesos.run import run

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run marathon. Return the exit code: 0 after a stop, 1 for a setting or a port that cannot be used."""
    words, ignored = as_written_upstream(sys.argv[1:] if argv is None else argv)
    try:
        config = load(Config, words, os.environ if environ is None else environ, prefix="MARATHON_")
    except HelpRequested as usage:
        sys.stdout.write(f"{usage}\n")
        return 0
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    logs.setup("marathon", config.logging_level)
    for flag in ignored:
        log.warning("flag has no effect any more", extra={"flag": flag})
    return run(lambda: serve(config))


if __name__ == "__main__":
    sys.exit(main())
