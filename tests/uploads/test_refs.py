"""Every event shape names the same object; what is not understood is not dropped in silence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steel_defect.uploads.refs import ObjectRef, UnknownEvent, is_older, ref_from_cloud_storage, refs_in, refs_in_text
from tests.uploads import events

KEYS = [
    "strip.jpg",
    "line 3/strip 1.jpg",
    "a+b.jpg",
    "100%.jpg",
    "a%2Bb.jpg",
    "Blech/Oberfläche-鋼.jpg",
    "../../etc/passwd",
    "/leading.jpg",
    "a//b.jpg",
    "x" * 1024,
]


def s3_ref(key: str, **changes: Any) -> ObjectRef:  # noqa: ANN401 - fields
    fields = {"order": "0055AED6DCD90281E5", "version": "v1", "size": 7, "tag": "d41d8cd98f00b204e9800998ecf8427e"}
    return ObjectRef("s3", "uploads", key, **{**fields, **changes})


@pytest.mark.parametrize("key", KEYS)
def test_every_aws_shape_names_the_object_exactly(key: str) -> None:
    ref = s3_ref(key)
    native, bridge = events.s3_notification(ref), events.eventbridge(ref)
    for event in (native, bridge, events.sns(native), events.sns(bridge)):
        assert refs_in(event) == [ref]
        assert refs_in_text(json.dumps(event)) == [ref]


@pytest.mark.parametrize("key", KEYS)
def test_cloud_storage_names_the_object_exactly(key: str) -> None:
    ref = ObjectRef("gs", "uploads", key, order="1700000000000001".zfill(20), version="1700000000000001", size=7)
    assert ref_from_cloud_storage(events.cloud_storage(ref)) == ref


def test_a_bucket_without_versions() -> None:
    assert refs_in(events.s3_notification(s3_ref("a", version=None)))[0].version is None
    assert refs_in(events.eventbridge(s3_ref("a", version="")))[0].version is None


def test_several_records_in_one_notification() -> None:
    refs = [s3_ref("a"), s3_ref("b")]
    assert refs_in(events.s3_notification(*refs)) == refs


def test_what_names_no_created_object() -> None:
    assert refs_in(events.TEST_EVENT) == []
    record = {**events.s3_record(s3_ref("a")), "eventName": "ObjectRemoved:Delete"}
    assert refs_in({"Records": [record]}) == []


@pytest.mark.parametrize(
    "event",
    [
        {}, [], "text", None, 7,
        {"Records": [{"eventSource": "aws:kinesis"}]},
        {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}}}]},
        {"source": "aws.s3", "detail-type": "Object Deleted", "detail": {}},
        {"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {"name": "b"}, "object": {}}},
    ],
)  # fmt: skip
def test_what_is_not_understood_fails(event: object) -> None:
    with pytest.raises(UnknownEvent):
        refs_in(event)
    with pytest.raises(UnknownEvent):
        ref_from_cloud_storage(event)


def test_a_message_that_is_not_json_fails() -> None:
    with pytest.raises(UnknownEvent, match="not JSON"):
        refs_in_text("<xml>")


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("0055AED6DCD90281E5", "0055AED6DCD90281E6"),
        ("0055AED6DCD90281E5", "0055AED6DCD90281E501"),  # longer, and later
        ("0055AED6DCD90281E501", "0055AED6DCD90281E6"),  # shorter, and later
        ("00AF", "00b0"),
        ("9".zfill(20), "10".zfill(20)),
    ],
)
def test_orders_compare_padded_on_the_right(older: str, newer: str) -> None:
    assert is_older(older, newer)
    assert not is_older(newer, older)


@given(st.text("0123456789ABCDEF", min_size=1, max_size=24), st.text("0123456789ABCDEF", min_size=1, max_size=24))
def test_of_two_orders_at_most_one_is_older(one: str, other: str) -> None:
    assert not (is_older(one, other) and is_older(other, one))
    assert not is_older(one, one)
    assert not is_older(one, one + "0")  # the same number


@given(st.integers(0, 2**63), st.integers(0, 2**63))
def test_generations_compare_as_numbers(one: int, other: int) -> None:
    refs = [ref_from_cloud_storage({"bucket": "b", "name": "n", "generation": str(g)}) for g in (one, other)]
    assert is_older(refs[0].order, refs[1].order) == (one < other)
