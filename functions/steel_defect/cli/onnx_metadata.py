"""The metadata of an ONNX file, changed without the package onnx: every other byte stays as it is.

An ONNX file is one message of Protocol Buffers, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto: `ModelProto`,
whose repeated field 14, `metadata_props`, has messages of a key (1) and a value (2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_METADATA_PROPS: Final = 14
_KEY: Final = 1
_VALUE: Final = 2
# https://protobuf.dev/programming-guides/encoding/#structure
_VARINT: Final = 0
_I64: Final = 1
_LEN: Final = 2
_I32: Final = 5
_MORE: Final = 0x80  # set in each byte of a number but its last
_DAMAGED: Final = "this is no ONNX file, or not all of one"


class _Field(NamedTuple):
    number: int
    start: int
    value: bytes  # of what has a length; empty for numbers
    end: int


def with_metadata(model: bytes, changed: Mapping[str, str]) -> bytes:
    """The file with these values in place of those that it has under the same keys; what it lacks comes at the end.

    Raises:
        ValueError: it is no message of Protocol Buffers.
    """
    left = dict(changed)
    parts = []
    for field in _fields(model):
        key = _key(field.value) if field.number == _METADATA_PROPS else None
        if key not in changed:
            parts.append(model[field.start : field.end])
        elif key in left:  # A key that is there twice, which no tool writes, is there once afterwards.
            parts.append(_entry(key, left.pop(key)))
    return b"".join(parts) + b"".join(_entry(key, value) for key, value in left.items())


def _key(entry: bytes) -> str:
    return next((field.value.decode() for field in _fields(entry) if field.number == _KEY), "")


def _entry(key: str, value: str) -> bytes:
    content = _with_length(_KEY, key.encode()) + _with_length(_VALUE, value.encode())
    return _with_length(_METADATA_PROPS, content)


def _with_length(number: int, value: bytes) -> bytes:
    return _encoded(number << 3 | _LEN) + _encoded(len(value)) + value


def _encoded(number: int) -> bytes:
    """A whole number as a varint: seven bits a byte, the lowest first."""
    encoded = bytearray()
    while number >= _MORE:
        encoded.append(number % _MORE | _MORE)
        number >>= 7
    return bytes(encoded) + bytes([number])


def _decoded(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins there, and where it ends."""
    number = shift = 0
    for position in range(at, len(data)):
        number |= data[position] % _MORE << shift
        shift += 7
        if data[position] < _MORE:
            return number, position + 1
    raise ValueError(_DAMAGED)


def _fields(message: bytes) -> Iterator[_Field]:
    at = 0
    while at < len(message):
        start = at
        tag, at = _decoded(message, at)
        value = b""
        kind = tag & 7
        if kind == _VARINT:
            _, at = _decoded(message, at)
        elif kind == _LEN:
            length, at = _decoded(message, at)
            value, at = message[at : at + length], at + length
        elif kind in {_I64, _I32}:
            at += 8 if kind == _I64 else 4
        else:
            raise ValueError(_DAMAGED)
        if at > len(message):
            raise ValueError(_DAMAGED)
        yield _Field(tag >> 3, start, value, at)
