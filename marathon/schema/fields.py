"""Fields whose errors are the codes of upstream's JSON library (``error.expected.jsstring``, ``error.min``, ...).

``None`` is the same as absent everywhere, unknown keys are ignored. Only what is given comes out: defaults belong to
the structs of the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load


class Form(Schema):
    """Base of all forms: an object whose unknown keys and nulls are dropped."""

    class Meta:
        """Old and new clients send more than we know."""

        unknown = EXCLUDE

    error_messages = {"type": "error.expected.jsobject"}

    @pre_load
    def _drop_nulls(self, data: Any, **_: Any) -> Any:
        if isinstance(data, Mapping):
            return {key: value for key, value in data.items() if value is not None}
        return data


def messages(null: str = "error.expected.jsvalue") -> dict[str, str | list[Any] | dict[Any, Any]]:
    """Return what a field says when it is missing, and when it is ``null`` where that is not the same as absent."""
    return {"required": "error.path.missing", "null": null}


class Text(fields.Field[str]):
    """A string, maybe of bounded length, of a pattern, or one of some words."""

    default_error_messages = messages("error.expected.jsstring")

    def __init__(
        self,
        *,
        shortest: int = 0,
        longest: int | None = None,
        pattern: str | None = None,
        words: Iterable[str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._shortest, self._longest = shortest, longest
        self._pattern = re.compile(pattern) if pattern else None
        self._words = tuple(words) if words else None

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("error.expected.jsstring")
        if self._words and value not in self._words:
            raise ValidationError(f"error.unknown.enum.literal: {value} is not one of ({','.join(self._words)})")
        if len(value) < self._shortest:
            raise ValidationError("error.minLength")
        if self._longest is not None and len(value) > self._longest:
            raise ValidationError("error.maxLength")
        if self._pattern and not self._pattern.match(value):
            raise ValidationError("error.pattern")
        return value


class Whole(fields.Field[int]):
    """A whole number; 3.0 is one, ``true`` and ``"3"`` are not."""

    default_error_messages = messages("error.expected.jsnumber")

    def __init__(self, low: int | None = 0, high: int | None = 2**31 - 1, **options: Any) -> None:
        super().__init__(**options)
        self._low, self._high = low, high

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValidationError("error.expected.jsnumber")
        if value != value or value in (float("inf"), float("-inf")) or int(value) != value:
            raise ValidationError("error.expected.int")
        if self._low is not None and value < self._low:
            raise ValidationError(f"error.min: got {value}, expected {self._low} or more")
        if self._high is not None and value > self._high:
            raise ValidationError(f"error.max: got {value}, expected {self._high} or less")
        return int(value)


class Number(fields.Field[float]):
    """A number, finite."""

    default_error_messages = messages("error.expected.jsnumber")

    def __init__(self, low: float | None = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self._low = low

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValidationError("error.expected.jsnumber")
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if number != number or number in (float("inf"), float("-inf")):
            raise ValidationError("error.expected.jsnumber")
        if self._low is not None and number < self._low:
            raise ValidationError(f"error.min: got {number}, expected {self._low} or more")
        return number


class Flag(fields.Field[bool]):
    """True or false."""

    default_error_messages = messages("error.expected.jsboolean")

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("error.expected.jsboolean")
        return value


class Items(fields.Field[list[Any]]):
    """A list; every wrong element is named."""

    default_error_messages = messages("error.expected.jsarray")

    def __init__(self, item: fields.Field[Any], *, unique: bool = False, shortest: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self._item, self._unique, self._shortest = item, unique, shortest

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValidationError("error.expected.jsarray")
        if len(value) < self._shortest:
            raise ValidationError("error.minLength")
        found, errors = [], {}
        for index, each in enumerate(value):
            try:
                found.append(self._item.deserialize(each))
            except ValidationError as error:
                errors[index] = error.messages
        if errors:
            raise ValidationError(errors)
        if self._unique and any(each in found[:index] for index, each in enumerate(found)):
            raise ValidationError("Elements must be unique.")
        return found


class Table(fields.Field[dict[str, Any]]):
    """An object with any keys and one kind of value."""

    default_error_messages = messages("error.expected.jsobject")

    def __init__(self, value: fields.Field[Any], **options: Any) -> None:
        super().__init__(**options)
        self._value = value

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("error.expected.jsobject")
        found, errors = {}, {}
        for key, each in value.items():
            try:
                if not key:
                    raise ValidationError("must not be empty")
                found[key] = self._value.deserialize(each)
            except ValidationError as error:
                errors[key] = error.messages
        if errors:
            raise ValidationError(errors)
        return found


class Inner(fields.Field[dict[str, Any]]):
    """An object of a form of its own."""

    default_error_messages = messages("error.expected.jsobject")

    def __init__(self, form: type[Form], **options: Any) -> None:
        super().__init__(**options)
        self._form = form

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("error.expected.jsobject")
        found: dict[str, Any] = form_of(self._form).load(value)
        return found


class Anything(fields.Field[Any]):
    """Any value, taken as it is."""

    default_error_messages = messages()


_forms: dict[type[Form], Form] = {}


def form_of(kind: type[Form]) -> Form:
    """Return the one object of a form; making one is expensive."""
    form = _forms.get(kind)
    if form is None:
        form = _forms[kind] = kind()
    return form
