"""The templates of the configuration: ours, replaced by files, by the environment, and for one service by its labels.

Names and place-holders are marathon-lb's, so that templates written for it keep working. A few of ours also hold
``%(name)s``, filled in from the settings before anybody sees the text; templates of others are never touched so.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

PREFIX = "HAPROXY_"

GLOBAL_ONLY = frozenset(
    [
        "HEAD",
        "HTTP_FRONTEND_HEAD",
        "HTTP_FRONTEND_APPID_HEAD",
        "HTTPS_FRONTEND_HEAD",
        "HTTP_BACKEND_REDIR",
        "HTTP_BACKEND_ACL_ALLOW_DENY",
        "TCP_BACKEND_ACL_ALLOW_DENY",
    ]
)
"""Templates that no label replaces: they belong to all services, or a label of the same name means something else."""

LITERAL = frozenset(
    [
        "HEAD",
        "HTTP_FRONTEND_HEAD",
        "HTTP_FRONTEND_APPID_HEAD",
        "BACKEND_HTTP_OPTIONS",
        "BACKEND_HSTS_OPTIONS",
        "BACKEND_STICKY_OPTIONS",
        "HTTP_BACKEND_ACL_ALLOW_DENY",
        "TCP_BACKEND_ACL_ALLOW_DENY",
    ]
)
"""Templates without place-holders: their braces stand for themselves."""


class TemplateError(ValueError):
    """A template cannot be filled; the text names it."""


class Templates:
    """All templates by name, without the prefix.

    :param texts: every template's text.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)

    @property
    def replaceable(self) -> frozenset[str]:
        """The names that labels may use."""
        return frozenset(self._texts) - GLOBAL_ONLY

    def fill(self, name: str, own: Mapping[str, str] | None = None, /, **values: object) -> str:
        """Return the template with its place-holders filled, ending with a line break.

        :param own: a service's own templates, which go first.
        :raises TemplateError: when a place-holder is unknown or a brace stands alone.
        """
        text = (own or {}).get(name) if name not in GLOBAL_ONLY else None
        if text is None:
            text = self._texts[name]
        if name not in LITERAL:
            text = _filled(name, text, values)
        return text if not text or text.endswith("\n") else text + "\n"


def load(settings: Mapping[str, object], environ: Mapping[str, str], directory: Path | None = None) -> Templates:
    """Return the templates: the environment goes before files in ``directory``, these before ours.

    :param settings: what the ``%(name)s`` of our own templates stand for.
    """
    texts = {}
    for name, text in _ours().items():
        variable = PREFIX + name
        file = directory / variable if directory else None
        if variable in environ:
            texts[name] = environ[variable].replace("\\n", "\n")
        elif file is not None and file.is_file():
            texts[name] = file.read_text(encoding="utf-8")
        else:
            texts[name] = text % settings if "%(" in text else text
    return Templates(texts)


def _ours() -> dict[str, str]:
    folder = resources.files("marathon_lb").joinpath("templates")
    return {
        file.name.removeprefix(PREFIX): file.read_text(encoding="utf-8")
        for file in folder.iterdir()
        if file.name.startswith(PREFIX)
    }


def _filled(name: str, text: str, values: Mapping[str, object]) -> str:
    try:
        return text.format(**values)
    except KeyError as error:
        known = ", ".join(sorted(values))
        raise TemplateError(f"template {name}: unknown place-holder {{{error.args[0]}}}; there are {known}") from error
    except (ValueError, IndexError, AttributeError, TypeError) as error:
        raise TemplateError(f"template {name}: {error}") from error
