"""Many pictures in few requests: as many in each as the service takes and the platforms let through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from steel_defect.body import MOST_PICTURES
from steel_defect.client.errors import ServiceProblem
from steel_defect.client.picture import bytes_of
from steel_defect.errors import SteelDefectError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from steel_defect.client.picture import Picture

# Lambda takes 6 MB, in base64.
_MOST_BYTES: Final = 4_000_000
_TOO_LARGE: Final = 413


def predict_many(
    pictures: Iterable[Picture],
    one: Callable[[bytes], dict[str, Any]],
    several: Callable[[Sequence[bytes]], dict[str, Any]],
) -> Iterator[dict[str, Any] | SteelDefectError]:
    """See `Deployment.predict_many`.

    Args:
        pictures: bytes or paths.
        one: asks for one picture; raises its problem.
        several: asks for the answers of a batch.
    """
    for batch in _batches(pictures):
        for picture, found in zip(batch, _asked(batch, several), strict=True):
            yield _alone(one, picture) if found is None else found


def _asked(
    batch: Sequence[bytes], several: Callable[[Sequence[bytes]], dict[str, Any]]
) -> list[dict[str, Any] | SteelDefectError | None]:
    """What came of each picture; None for one that is to be asked for alone."""
    if len(batch) == 1:
        return [None]
    try:
        return [_one(found) for found in several(batch)["answers"]]
    except SteelDefectError as error:
        # Together they may be too large for what each of them is not.
        return [None if error.status == _TOO_LARGE else error] * len(batch)


def _one(found: dict[str, Any]) -> dict[str, Any] | SteelDefectError | None:
    if "answer" in found:
        answer: dict[str, Any] = found["answer"]
        return answer
    problem = ServiceProblem(found["problem"])
    return None if problem.status >= 500 else problem  # noqa: PLR2004 - worth another try, which waits


def _alone(one: Callable[[bytes], dict[str, Any]], picture: bytes) -> dict[str, Any] | SteelDefectError:
    try:
        return one(picture)
    except SteelDefectError as error:
        return error


def _batches(pictures: Iterable[Picture]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for picture in pictures:
        data = bytes_of(picture)
        if batch and (len(batch) == MOST_PICTURES or sum(map(len, batch)) + len(data) > _MOST_BYTES):
            yield batch
            batch = []
        batch.append(data)
    if batch:
        yield batch
