"""Pictures of one surface are found at any exposure; chance likenesses do not chain a set together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.magnetic_tile import open_magnetic_tiles
from steel_defect_trainer.data.near_duplicates import (
    THRESHOLD,
    difference_bits,
    group_near_duplicates,
    groups_of,
    picture_hashes,
    window_hashes,
)
from tests.trainer.data.folders import noise_picture, write_picture, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.mark.parametrize("exposure", [0.35, 0.7, 1.15])
def test_exposure_hardly_changes_the_hash(exposure: float) -> None:
    pixels = noise_picture(3, 68, 68)
    other = np.clip(pixels * exposure, 0, 255).astype(np.uint8)
    assert (difference_bits(pixels) != difference_bits(other)).mean() < THRESHOLD / 2
    assert (difference_bits(pixels) != difference_bits(noise_picture(4, 68, 68))).mean() > 2 * THRESHOLD


def test_a_picture_cut_a_little_differently_is_the_same_surface() -> None:
    pixels = noise_picture(3, 400, 400)
    cuts = [pixels[top : top + 360, left : left + 360] for top, left in ((20, 20), (32, 20), (20, 34), (6, 20))]
    hashes = np.stack(
        [window_hashes(np.asarray(Image.fromarray(cut).resize((72, 72), Image.Resampling.BOX))) for cut in cuts]
    )
    assert groups_of(hashes).tolist() == [0, 0, 0, 0]
    assert len(set(groups_of(hashes[:, :1]).tolist())) == 4, "one window alone does not see it"


def test_likeness_joins_through_a_chain() -> None:
    bits = np.random.default_rng(0).random((40, 1000)) < 0.5
    bits[1:4] = bits[0]
    bits[1, :150] ^= True
    bits[2, :300] ^= True  # near the second, not near the first
    assert groups_of(bits[:, None])[:3].tolist() == [groups_of(bits[:, None])[0]] * 3
    assert len(set(groups_of(bits[:, None]).tolist())) == 37


def test_a_chain_through_half_a_set_is_taken_apart_but_copies_stay_together() -> None:
    rng = np.random.default_rng(0)
    bits = np.zeros((300, 1000), np.bool_)
    for place in range(1, 300):  # each differs from the one before in 0.15 to 0.2 of the bits
        bits[place] = bits[place - 1] ^ (rng.random(1000) < rng.uniform(0.15, 0.2))
    copies = np.repeat(rng.random((1, 1000)) < 0.5, 60, axis=0)
    groups = groups_of(np.concatenate([bits, copies])[:, None])
    assert np.bincount(groups[:300]).max() <= 24
    assert set(groups[300:].tolist()) == {groups[300]}
    assert (groups[:300] != groups[300]).all()


def test_numbers_of_groups_do_not_depend_on_the_size_of_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    bits = np.repeat(rng.random((100, 512)) < 0.5, 3, axis=0) ^ (rng.random((300, 512)) < 0.05)
    bits = bits[rng.permutation(300)]
    whole = groups_of(bits[:, None])
    monkeypatch.setattr("steel_defect_trainer.data.near_duplicates._BLOCK", 7)
    assert np.array_equal(groups_of(bits[:, None]), whole)
    assert sorted(Counter(whole.tolist()).values()) == [3] * 100


def test_groups_of_the_table_and_near_duplicates_are_joined(tmp_path: Path) -> None:
    rows = []
    for place, group in enumerate(["coil 1", "coil 1", "", "", "coil 2"]):
        pixels = noise_picture(2 if place == 3 else place, 96, 128)
        write_picture(tmp_path / f"{place}.png", pixels)
        rows.append((f"{place}.png", "dent" if place == 1 else "clean", group))
    write_picture(tmp_path / "5.png", _dimmed(noise_picture(0, 96, 128)))
    rows.append(("5.png", "clean", "coil 3"))
    write_table(tmp_path / "labels.csv", ("file", "label", "group"), rows)
    dataset = group_near_duplicates(open_data(tmp_path), tmp_path / "cache")
    # 5 is another exposure of 0, which is of one coil with 1; 2 and 3 are copies; 4 keeps its own group's name.
    assert [picture.group for picture in dataset.pictures] == ["0.png", "0.png", "2.png", "2.png", "coil 2", "0.png"]


def test_hashes_are_kept_and_made_anew_when_a_picture_changes(tmp_path: Path) -> None:
    for kind in ("defect", "clean"):
        write_picture(tmp_path / kind / "a.png", noise_picture(len(kind), 96, 96))
    first = picture_hashes(open_data(tmp_path), tmp_path / "cache")
    kept = next(path for path in (tmp_path / "cache").iterdir() if path.is_dir()) / "hashes.npy"
    np.save(kept, ~first)
    assert np.array_equal(picture_hashes(open_data(tmp_path), tmp_path / "cache"), ~first)
    write_picture(tmp_path / "clean" / "a.png", noise_picture(77, 96, 97))
    assert not np.array_equal(picture_hashes(open_data(tmp_path), tmp_path / "cache"), ~first)


def test_magnetic_tiles_fall_into_groups_of_their_exposures(magnetic_tile_folder: Path, tmp_path: Path) -> None:
    tiles = open_magnetic_tiles(magnetic_tile_folder, tmp_path)
    assert len(tiles) == 1344
    assert tiles.class_names == ("Blowhole", "Break", "Crack", "Fray", "Uneven")
    assert sum(not picture.classes for picture in tiles.pictures) == 952
    assert sum(bool(picture.masks) for picture in tiles.pictures) == 392 - 6  # six masks are black, or all but
    sizes = Counter(Counter(picture.group for picture in tiles.pictures).values())
    assert sizes[6] > 180
    assert sizes[1] < 15
    assert max(sizes) <= 15
    exposures = Counter((picture.group, picture.name.split("/")[-1][:4]) for picture in tiles.pictures)
    assert sum(count > 1 for count in exposures.values()) < 60


def _dimmed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return (pixels * 0.5).astype(np.uint8)
