"""JSON to wire types and back, by the rules of Mesos' own JSON mapping.

Well-formed documents are decoded in one pass by msgspec. Only a document that fails is looked at again, with the
leniency that upstream shows: ``null`` means unset, a scalar may stand for a list of one, numbers and booleans may be
strings, unknown fields and unknown names of optional enums are dropped. What still does not fit raises an error with
the text that upstream answers. Source: Mesos ``protobuf.hpp`` in stout, and answers of a real 1.11.0 master.
"""

from __future__ import annotations

import base64
import binascii
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from mesos.errors import CodecError

T = TypeVar("T")

encode = msgspec.json.Encoder().encode
"""Return the JSON bytes of any wire value."""


class JsonSyntaxError(CodecError):
    """The bytes are no JSON document."""


class MissingFieldsError(CodecError):
    """Required fields are not there; the text lists their paths."""


def decode(data: bytes, kind: type[T]) -> T:
    """Read one document.

    :raises JsonSyntaxError: when the bytes are not JSON.
    :raises MissingFieldsError: when required fields are absent, at any depth.
    :raises CodecError: when a value is of the wrong kind.
    """
    try:
        key: Any = kind  # mypy does not take a type for hashable
        value: T = _decoder(key).decode(data)
        return value
    except msgspec.ValidationError:
        return from_builtins(msgspec.json.decode(data), kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise JsonSyntaxError(f"syntax error at line 1 near: {data[:64].decode(errors='replace')}") from error


def from_builtins(document: Any, kind: type[T]) -> T:
    """Turn dicts and lists, as a JSON parser gives them, into ``kind`` with the same leniency and errors."""
    if not isinstance(document, dict):
        raise CodecError("Expecting a JSON object")
    missing: list[str] = []
    key: Any = kind
    normal = _struct(document, _struct_info(key), "", missing)
    if missing:
        raise MissingFieldsError(f"Missing required fields: {', '.join(missing)}")
    try:
        return msgspec.convert(normal, kind, strict=False)
    except msgspec.ValidationError as error:
        raise CodecError(str(error)) from error


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=False)


@cache
def _struct_info(kind: Any) -> inspect.StructType:
    info = inspect.type_info(kind)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{kind} is no wire type")
    return info


def _struct(document: dict[str, Any], info: inspect.StructType, path: str, missing: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for field in info.fields:
        name = field.encode_name
        value = document.get(name)
        where = f"{path}{name}"
        if value is None:
            if field.required:
                missing.append(where)
            continue
        kind = _without_none(field.type)
        if isinstance(kind, inspect.EnumType) and value not in _names(kind):
            if not isinstance(value, str):
                raise CodecError(f"Not expecting a JSON {_json_kind(value)} for field '{name}'")
            if field.required:
                raise CodecError(f"Failed to find enum for '{value}' of field '{name}'")
            continue
        result[name] = _value(value, kind, name, where, missing)
    return result


def _value(value: Any, kind: inspect.Type, name: str, path: str, missing: list[str]) -> Any:
    match kind:
        case inspect.StructType():
            if not isinstance(value, dict):
                raise CodecError(f"Not expecting a JSON {_json_kind(value)} for field '{name}'")
            return _struct(value, kind, f"{path}.", missing)
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            items = value if isinstance(value, list) else [value]
            inner = _without_none(item)
            return [_value(each, inner, name, f"{path}[{i}]", missing) for i, each in enumerate(items)]
        case inspect.DictType(value_type=item):
            if not isinstance(value, dict):
                raise CodecError(f"Not expecting a JSON {_json_kind(value)} for field '{name}'")
            return {
                key: _value(each, item, name, f"{path}.{key}", missing)
                for key, each in value.items()
                if each is not None
            }
        case inspect.BytesType():
            return _bytes(value, name)
        case _:
            return _scalar(value, kind, name)


def _scalar(value: Any, kind: inspect.Type, name: str) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case inspect.StrType():
            fits = isinstance(value, str)
        case inspect.BoolType():
            fits = isinstance(value, bool) or value in ("true", "false")
        case inspect.IntType():
            fits = number and value == int(value) if number else _parses(value, int)
            value = int(value) if fits else value
        case inspect.FloatType():
            fits = number or _parses(value, float)
            value = float(value) if fits else value
        case _:
            fits = True
    if not fits:
        raise CodecError(f"Not expecting a JSON {_json_kind(value)} for field '{name}'")
    return value


def _parses(value: Any, kind: type) -> bool:
    if not isinstance(value, str):
        return False
    try:
        kind(value)
    except ValueError:
        return False
    return True


def _bytes(value: Any, name: str) -> bytes:
    if not isinstance(value, str):
        raise CodecError(f"Not expecting a JSON {_json_kind(value)} for field '{name}'")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        wrong = next((c for c in value if not (c.isascii() and (c.isalnum() or c in "+/="))), None)
        reason = f"Invalid character '{wrong}'" if wrong else str(error)
        raise CodecError(f"Failed to base64 decode bytes field '{name}': {reason}") from error


def _without_none(kind: inspect.Type) -> inspect.Type:
    if isinstance(kind, inspect.UnionType):
        rest = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        if len(rest) == 1:
            return rest[0]
    return kind


@cache
def _enum_names(kind: type) -> frozenset[str]:
    return frozenset(member.value for member in kind)  # type: ignore[attr-defined]


def _names(kind: inspect.EnumType) -> frozenset[str]:
    return _enum_names(kind.cls)


def _json_kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
