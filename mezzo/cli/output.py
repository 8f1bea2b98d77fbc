"""Tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

console = Console(highlight=False, soft_wrap=True)


def show(rows: Sequence[dict[str, Any]], columns: Iterable[tuple[str, str]], *, as_json: bool, empty: str) -> None:
    """Print rows.

    :param columns: (title, key) of what people see; programs see all keys.
    :param empty: what people read when there are none.
    """
    if as_json:
        show_json(list(rows))
        return
    if not rows:
        console.print(empty, style="dim")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = list(columns)
    for title, _ in columns:
        table.add_column(title, no_wrap=True)
    for row in rows:
        table.add_row(*(_text(row.get(key)) for _, key in columns))
    # as wide as its longest row, whatever the terminal: an id that is cut or folded cannot be copied
    Console(width=1000, highlight=False).print(table)


def show_json(value: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(value, indent=2))


def _text(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list() | tuple():
            return ", ".join(map(str, value)) or "-"
    return str(value)
