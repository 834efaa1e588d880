"""Finds pictures of the same surface: split apart, they would let a model be tested on what it was trained on.

The hash of a picture has 1,024 bits: whether the brightness rises to the right and whether it rises downwards, at 256
places of a grid whose cells are about square, on two versions of the picture - one softened, and one that has only what
is about as large as a cell. Light that is stronger or weaker changes neither. One picture is looked at through five
windows, half a cell apart, so that another cut of the same surface is found as well.

Why this hash and this threshold was measured on the 1,344 magnetic tiles, each surface of which was pictured under six
exposures, and cut out a little differently each time. A surface pictured once has one picture of each exposure at
most, so groups should have six pictures, and pairs within an exposure betray chance likeness. From 0.15 to 0.23 of the
bits groups only fill up; with 0.21 there are 230, of which 193 have exactly six, the largest 15, 9 pictures are alone,
and 45 pairs lie within an exposure beside 3,388 across. From 0.24 on, groups of different surfaces melt together: at
0.26 two have more than 60. With the middle window alone 34 pictures are alone at 0.21. The usual difference hash, 16 x
16 bits to the right alone, never gets there: where it finds most groups of six, 52, one group has 276 pictures.
Nearest neighbours among 149 photographs of steel strip differ in 0.19 of the bits or more.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from steel_defect.contract import InputSpec
from steel_defect_trainer.data.cache import cached
from steel_defect_trainer.data.faults import with_all_faults
from steel_defect_trainer.data.load import read_picture

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect_trainer.data.dataset import DataSet, LabelledPicture

THRESHOLD: Final = 0.21
_PLACES: Final = 256
# Pixels of the decoded picture to one place of the grid.
_STEP: Final = 4
# Windows on a picture, in pixels down and across from the middle one: half a place each way.
_SHIFTS: Final = ((0, 0), (-2, 0), (2, 0), (0, -2), (0, 2))
_MARGIN: Final = 2
# A chain of chance likenesses can join half a set. Groups above this size (or 1 % of the set) are taken apart by a
# stricter threshold, down to one that only copies pass.
_LARGEST: Final = 24
_STRICTER: Final = 0.9
_COPIES: Final = 0.05
_BLOCK: Final = 1024


def group_near_duplicates(dataset: DataSet, cache: Path) -> DataSet:
    """The data set with groups that hold near-duplicates together, besides what was in one group already.

    A group that grows gets the name of its first picture. The hashes are kept in `cache`.

    Raises:
        DataError: a picture cannot be read.
    """
    hashes = picture_hashes(dataset, cache)
    given = np.unique([picture.group for picture in dataset.pictures], return_inverse=True)[1]
    alike = groups_of(hashes)
    # Pictures are joined through either kind of group: a graph of pictures and groups.
    count = len(dataset)
    pictures = np.tile(np.arange(count), 2)
    hubs = count + np.concatenate([given, alike + given.max() + 1])
    nodes = int(hubs.max()) + 1
    joined = connected_components(coo_matrix((np.ones(2 * count), (pictures, hubs)), (nodes, nodes)), directed=False)[1]
    members: dict[int, list[int]] = {}
    for index, group in enumerate(joined[:count]):
        members.setdefault(int(group), []).append(index)
    names = [picture.group for picture in dataset.pictures]
    for its in members.values():
        if len({names[index] for index in its}) > 1:
            for index in its:
                names[index] = dataset.pictures[its[0]].name
    return dataset.regrouped(names)


def picture_hashes(dataset: DataSet, cache: Path) -> NDArray[np.bool_]:
    """The hash of each picture through each window, bool (N, windows, bits); the first window is the middle one."""

    def write(folder: Path) -> None:
        rows, columns = _grid(dataset)
        height, width = (_STEP * (places + 1) + 2 * _MARGIN for places in (rows, columns))
        spec = InputSpec(height=height, width=width, resize="stretch")

        def one(picture: LabelledPicture) -> NDArray[np.bool_]:
            return window_hashes(read_picture(dataset, picture, spec)[1].pixels)

        np.save(folder / "hashes.npy", np.stack(list(with_all_faults("comparing", dataset.pictures, one))))

    folder = cached(cache, f"hashes-{dataset.files_key()[:32]}", write)
    hashes: NDArray[np.bool_] = np.load(folder / "hashes.npy")
    return hashes


def window_hashes(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The hashes of one picture that was stretched to a grid with a margin, bool (windows, bits)."""
    height, width = pixels.shape[0] - 2 * _MARGIN, pixels.shape[1] - 2 * _MARGIN
    corners = [(_MARGIN + down, _MARGIN + across) for down, across in _SHIFTS]
    return np.stack([difference_bits(pixels[top : top + height, left : left + width]) for top, left in corners])


def difference_bits(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The hash of what is in one window, with four pixels to a place and one place to spare."""
    picture = pixels.astype(np.float32)
    fine = ndimage.gaussian_filter(picture, _STEP / 4, mode="nearest")
    soft = ndimage.gaussian_filter(picture, _STEP / 2, mode="nearest")
    coarse = ndimage.gaussian_filter(picture, _STEP, mode="nearest")
    parts = []
    for version in (soft, fine - coarse):
        places = version[_STEP // 2 :: _STEP, _STEP // 2 :: _STEP]
        parts += [np.diff(places, axis=1)[:-1] > 0, np.diff(places, axis=0)[:, :-1] > 0]
    return np.concatenate([part.ravel() for part in parts])


def groups_of(hashes: NDArray[np.bool_], threshold: float = THRESHOLD) -> NDArray[np.int64]:
    """Number the groups that are connected by likeness, int64 (N,).

    Args:
        hashes: bool (N, windows, bits).
        threshold: two pictures are alike if the middle window of one differs from some window of the other in at
            most this share of the bits.
    """
    groups = _connected(hashes, threshold)
    largest = max(_LARGEST, len(hashes) // 100)
    if threshold * _STRICTER < _COPIES:
        return groups
    for group in np.flatnonzero(np.bincount(groups) > largest):
        members = np.flatnonzero(groups == group)
        groups[members] = groups.max() + 1 + groups_of(hashes[members], threshold * _STRICTER)
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def _connected(hashes: NDArray[np.bool_], threshold: float) -> NDArray[np.int64]:
    """Connected components, numbered from 0."""
    # With bits as +1 and -1, a product of two hashes is the number of equal bits less that of different ones.
    signs = np.where(hashes, np.float32(1), np.float32(-1))
    count, windows, bits = signs.shape
    least = bits * (1 - 2 * threshold)
    groups = np.arange(count)
    for start in range(0, count, _BLOCK):
        middle = signs[start : start + _BLOCK, 0]
        alike = np.zeros((len(middle), count), np.bool_)
        for window in range(windows):
            alike |= middle @ signs[:, window].T >= least
        rows, columns = np.nonzero(alike)
        edges = (np.ones(len(rows), np.bool_), (groups[start + rows], groups[columns]))
        graph = coo_matrix(edges, (count, count))
        groups = connected_components(graph, directed=False)[1][groups]
    return groups.astype(np.int64)


def _grid(dataset: DataSet) -> tuple[int, int]:
    """Rows and columns of about `_PLACES` about square cells, for the middle one of the pictures' shapes."""
    aspects = []
    for picture in dataset.pictures:
        # What is no picture is reported when it is decoded.
        with suppress(OSError, Image.DecompressionBombError), Image.open(dataset.folder / picture.name) as image:
            aspects.append(image.width / image.height)
    rows = max(1, round(np.sqrt(_PLACES / np.median(aspects or [1]))))
    return rows, round(_PLACES / rows)
