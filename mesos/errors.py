"""The root of every error that Mezzo raises on purpose.

A program catches :class:`MezzoError` where it turns a failure into an answer; anything else is a bug and is logged
with its trace.
"""

from __future__ import annotations


class MezzoError(Exception):
    """Something went wrong in a way that the text explains to a user."""


class CodecError(MezzoError):
    """A document is not what its type says. The text is the one upstream answers."""


class ConfigError(MezzoError):
    """A setting cannot be used. The text names the flag, the value and the rule."""
