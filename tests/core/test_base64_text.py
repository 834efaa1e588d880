"""Base64 is read as the standard library reads it strictly, but for white space."""

from __future__ import annotations

import base64
import binascii
import re

import pytest

from steel_defect.base64_text import from_base64


@pytest.mark.parametrize("size", [0, 1, 2, 3, 31, 32, 33, 47, 48, 49, 100_000])
def test_bytes_of_every_length_come_back_with_and_without_line_breaks(size: int) -> None:
    data = bytes(number * number % 251 for number in range(size))
    assert from_base64(base64.b64encode(data).decode()) == data
    assert from_base64(base64.encodebytes(data).decode().replace("\n", "\r\n")) == data


@pytest.mark.parametrize(
    "text",
    [
        "QUJD*EFG",
        "QUJ",
        "QUJDR",
        "QUI=QUI=",
        "=",
        "QUI==",
        "Q===",
        "QUJ-",
        "====",
        "QUJDé",
        "\ud800",
        "A" * 33,
    ],
)
def test_what_is_no_base64_is_refused_with_the_reason_of_the_standard_library(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as expected:
        binascii.a2b_base64(text, strict_mode=True)
    with pytest.raises(ValueError, match=re.escape(str(expected.value))):
        from_base64(text)
