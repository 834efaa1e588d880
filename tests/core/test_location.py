"""A place in a bucket as a value: its URI both ways, the names below it, and two buckets that must not be one."""

from __future__ import annotations

import pytest

from steel_defect.location import Buckets, Location, LocationError


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("s3://bucket", Location("s3", "bucket")),
        ("gs://bucket/line 3/ä%2B", Location("gs", "bucket", "line 3/ä%2B")),
        ("s3://bucket/line-3/", Location("s3", "bucket", "line-3/")),
        ("file:///a%20folder/b", Location("file", "/a%20folder/b")),
        ("memory://a/b", Location("memory", "a/b")),
    ],
)
def test_a_location_is_its_uri(uri: str, location: Location) -> None:
    assert Location.parse(uri) == location
    assert str(location) == uri


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3://bucket", "web/a.jpg"),
        ("s3://bucket/", "web/a.jpg"),
        ("s3://bucket/line 3", "line 3/web/a.jpg"),
        ("s3://bucket/line 3/", "line 3/web/a.jpg"),
    ],
)
def test_an_object_below_a_location_has_the_whole_name(uri: str, name: str) -> None:
    found = Location.parse(uri).below("web/a.jpg")
    assert (found.prefix, str(found)) == (name, f"s3://bucket/{name}")


@pytest.mark.parametrize(
    ("uploads", "results", "one"),
    [
        ("s3://one", "s3://one", True),
        ("s3://one/uploads", "s3://one/results", True),
        ("s3://one", "gs://one", False),
        ("s3://one", "s3://one-results", False),
        ("file:///a", "file:///a/", True),
        ("file:///a", "file:///b", False),
        ("memory://a", "memory://b", False),
    ],
)
def test_uploads_and_results_need_two_buckets(uploads: str, results: str, *, one: bool) -> None:
    places = Location.parse(uploads), Location.parse(results)
    assert places[0].shares_bucket(places[1]) is one
    if one:
        with pytest.raises(LocationError, match="use another bucket"):
            Buckets(*places)
    else:
        assert Buckets(*places).uploads == places[0]
