"""``mesos-agent``: reads settings and runs."""

from __future__ import annotations

import os
import sys

from agent.app import AgentApp
from agent.config import AgentConfig
from mesos import logs
from mesos.clock import SystemClock, SystemIds
from mesos.config import HelpRequested, load
from mesos.errors import ConfigError
from mesos.run import run


def main() -> None:
    """Run the agent until it is told to stop; exit code 1 for a bad flag or a taken port."""
    try:
        config = load(AgentConfig, sys.argv[1:], os.environ, prefix="MESOS_")
    except HelpRequested as usage:
        sys.stdout.write(f"{usage}\n")
        sys.exit(0)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    file = config.log_dir / "mesos-agent.log" if config.log_dir else None
    logs.setup("agent", config.logging_level, file)
    sys.exit(run(AgentApp(config, SystemClock(), SystemIds()).run))


if __name__ == "__main__":
    main()
