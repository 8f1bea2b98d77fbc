"""``mesos-dns``: reads the settings, then runs until SIGTERM."""

from __future__ import annotations

import os
import sys

from mesos import logs
from mesos.config import HelpRequested
from mesos.errors import MezzoError
from mesos.run import run
from mesos_dns.api.routes import VERSION
from mesos_dns.app import App
from mesos_dns.config import read_config, read_flags


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    try:
        flags = read_flags(sys.argv[1:] if argv is None else argv, os.environ)
        if flags.version:
            sys.stdout.write(f"{VERSION}\n")
            return 0
        config = read_config(flags, os.environ, len(os.sched_getaffinity(0)))
        logs.setup("mesos_dns", "DEBUG" if flags.v else flags.log_level)
    except HelpRequested as text:
        sys.stdout.write(f"{text}\n")
        return 0
    except (MezzoError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return run(App(config).run)


if __name__ == "__main__":
    sys.exit(main())
