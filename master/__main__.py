"""``mesos-master``: reads settings and runs."""

from __future__ import annotations

import os
import sys

from master.app import MasterApp
from master.config import MasterConfig
from mesos import logs
from mesos.clock import SystemClock, SystemIds
from mesos.config import HelpRequested, load
from mesos.errors import ConfigError
from mesos.run import run


def main() -> None:
    """Run the master until it is told to stop; exit code 1 for a bad flag or a taken port."""
    try:
        config = load(MasterConfig, sys.argv[1:], os.environ, prefix="MESOS_")
    except HelpRequested as usage:
        sys.stdout.write(f"{usage}\n")
        sys.exit(0)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    file = config.log_dir / "mesos-master.log" if config.log_dir else None
    logs.setup("master", config.logging_level, file)
    sys.exit(run(MasterApp(config, SystemClock(), SystemIds()).run))


if __name__ == "__main__":
    main()
