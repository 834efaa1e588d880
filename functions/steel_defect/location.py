"""Where objects are: a bucket or what is below a prefix in it, a folder of this machine, a store in memory.

A leaf, so that a start that reads the settings does not wait for the storage package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

_CLOUDS: Final = ("s3", "gs")
_SCHEMES: Final = ("memory", "file", *_CLOUDS)
FORMS: Final = "memory://name, file:///folder, s3://bucket/prefix or gs://bucket/prefix"


class LocationError(ValueError):
    """A URI is of no known form or kind, or two locations may not be in one bucket."""


@dataclass(frozen=True)
class Location:
    """A place for objects. `str(location)` is its URI.

    Attributes:
        scheme: "memory", "file", "s3" or "gs".
        bucket: its name; for "file" the absolute path of the folder, percent-encoded, for "memory" the store's name.
        prefix: of the names of the objects, as it was written; a store ignores slashes at its end.
    """

    scheme: str
    bucket: str
    prefix: str = ""

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Read a URI. Nothing is decoded, and the name of a bucket is not checked.

        Raises:
            LocationError: the URI is of no known form.
        """
        scheme, separator, rest = uri.partition("://")
        if not separator or not rest.strip("/") or scheme not in _SCHEMES:
            message = f"{uri!r} is not the URI of a store; write {FORMS}"
            raise LocationError(message)
        if scheme == "file" and not rest.startswith("/"):
            message = f"{uri!r} is not absolute; write file:///folder, with three slashes"
            raise LocationError(message)
        if scheme not in _CLOUDS:
            return cls(scheme, rest.rstrip("/"))
        bucket, _, prefix = rest.partition("/")
        return cls(scheme, bucket, prefix)

    def __str__(self) -> str:
        """The URI."""
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")

    @property
    def root(self) -> Location:
        """The whole bucket."""
        return Location(self.scheme, self.bucket)

    def below(self, name: str) -> Location:
        """The object `name` of the store here, or all objects whose names begin so. Its `prefix` is the whole name."""
        folder = self.prefix.rstrip("/")
        return Location(self.scheme, self.bucket, f"{folder}/{name}" if folder else name)

    def shares_bucket(self, other: Location) -> bool:
        """Whether both are in one bucket."""
        return self.root == other.root


@dataclass(frozen=True)
class Buckets:
    """Where pictures come, and where their results go: never into one bucket, where results would be scored again."""

    uploads: Location
    results: Location

    def __post_init__(self) -> None:
        """Refuse one bucket for both.

        Raises:
            LocationError: says which.
        """
        if self.results.shares_bucket(self.uploads):
            message = (
                f"{self.results} is in the bucket of the pictures, {self.uploads}; results would be taken for uploads "
                "there: use another bucket"
            )
            raise LocationError(message)
