"""Starts the balancer: ``python -m marathon_lb sse --marathon http://marathon:8080 --group external``."""

from __future__ import annotations

import os
import sys

from marathon_lb import config as settings
from marathon_lb.app import Program
from mesos import logs
from mesos.errors import MezzoError
from mesos.run import run


def main() -> int:
    """Run until SIGTERM or SIGINT and return the exit code."""
    try:
        config = settings.load(sys.argv[1:], os.environ)
        program = Program(config, os.environ)
    except settings.HelpRequested as help_:
        sys.stdout.write(str(help_))
        return 0
    except MezzoError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    logs.setup("marathon_lb", config.log_level)
    return run(program.once if config.mode == "once" or config.dry else program.serve)


if __name__ == "__main__":
    sys.exit(main())
