"""Entry point of ``mezzo`` and of ``python -m mezzo``."""

from __future__ import annotations

import sys

import click

from mezzo.cli.agent import agent
from mezzo.cli.app import app
from mezzo.cli.cluster import down, status, up
from mezzo.cli.deployment import deployment
from mezzo.cli.dns import dns
from mezzo.cli.quickstart import quickstart
from mezzo.cli.task import task
from mezzo.errors import CommandError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """Run and use a cluster: masters, agents, marathon, DNS and balancer."""


for command in (up, status, down, quickstart, app, task, deployment, agent, dns):
    cli.add_command(command)


def main() -> None:
    """Run one command; what goes wrong is one explanation on stderr and exit code 1."""
    try:
        sys.exit(cli(standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(1)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "mezzo"
        sys.stderr.write(f"mezzo: {error.format_message()} (see {command} --help)\n")
        sys.exit(1)
    except click.ClickException as error:
        sys.stderr.write(f"mezzo: {error.format_message()}\n")
        sys.exit(1)
    except click.Abort:
        sys.exit(130)
    except CommandError as error:
        sys.stderr.write(f"mezzo: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
