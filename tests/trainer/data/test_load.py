"""The cache of decoded pictures: decoded once, whoever asks; never wrong, never half there."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from steel_defect.contract import InputSpec
from steel_defect.image import decode
from steel_defect_trainer.data import load as loading
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.load import load
from steel_defect_trainer.errors import DataError
from tests.trainer.data.folders import box_runs, noise_picture, write_picture, write_severstal, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.strips import StripSet

SPEC = InputSpec()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_severstal(tmp_path / "data", [(), (1,), (2, 3), ()])


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each picture that is decoded."""
    sizes: list[int] = []

    def counted(data: bytes, spec: InputSpec) -> object:
        sizes.append(len(data))
        return decode(data, spec)

    monkeypatch.setattr(loading, "decode", counted)
    return sizes


def same(one: StripSet, other: StripSet) -> bool:
    return (
        np.array_equal(one.pixels, other.pixels)
        and np.array_equal(one.cells, other.cells)
        and np.array_equal(one.masks, other.masks)
        and np.array_equal(one.classes, other.classes)
        and (one.names, one.groups, one.digest) == (other.names, other.groups, other.digest)
    )


def test_pixels_are_those_the_function_will_see(folder: Path, tmp_path: Path) -> None:
    strips = load(open_data(folder), SPEC, tmp_path / "cache")
    for name, pixels in zip(strips.names, strips.pixels, strict=True):
        assert np.array_equal(pixels, decode((folder / name).read_bytes(), SPEC).pixels)


def test_second_load_decodes_nothing(folder: Path, tmp_path: Path, decoded: list[int]) -> None:
    first = load(open_data(folder), SPEC, tmp_path / "cache")
    assert len(decoded) == 4
    second = load(open_data(folder), SPEC, tmp_path / "cache")
    assert len(decoded) == 4
    assert same(first, second)


def test_writing_into_the_pixels_leaves_the_cache_as_it_is(folder: Path, tmp_path: Path) -> None:
    strips = load(open_data(folder), SPEC, tmp_path / "cache")
    before = strips.pixels[0].copy()
    strips.pixels[0] = 7
    assert np.array_equal(load(open_data(folder), SPEC, tmp_path / "cache").pixels[0], before)


def test_changed_picture_label_mask_or_spec_is_noticed(folder: Path, tmp_path: Path, decoded: list[int]) -> None:
    first = load(open_data(folder), SPEC, tmp_path / "cache")

    write_picture(folder / "train_images" / "0.jpg", noise_picture(99))
    changed = load(open_data(folder), SPEC, tmp_path / "cache")
    assert len(decoded) == 8
    assert not np.array_equal(changed.pixels[0], first.pixels[0])
    assert changed.digest != first.digest

    columns = ("ImageId", "ClassId", "EncodedPixels")
    write_table(folder / "train.csv", columns, [("1.jpg", 1, box_runs(0, 0, 64, 64))])
    relabelled = load(open_data(folder), SPEC, tmp_path / "cache")
    assert relabelled.cells[1, 0, 0, 0] == 1
    assert relabelled.defect.tolist() == [False, True, False, False]
    assert relabelled.digest != changed.digest

    wider = load(open_data(folder), replace(SPEC, height=256, width=1600), tmp_path / "cache")
    assert wider.pixels.shape == (4, 256, 1600)


def test_changed_mask_picture_is_noticed(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", noise_picture(1, 64, 64))
    write_table(tmp_path / "labels.csv", ("file", "label", "mask"), [("a.png", "dent", "m.png")])
    spec = InputSpec(height=64, width=64)
    mask = np.zeros((64, 64), np.uint8)
    mask[:32, :32] = 255
    write_picture(tmp_path / "m.png", mask)
    assert load(open_data(tmp_path), spec, tmp_path / "cache").cells[0, 0].tolist() == [[1, 0], [0, 0]]
    write_picture(tmp_path / "m.png", mask[::-1].copy())
    os.utime(tmp_path / "m.png", (0, 0))
    assert load(open_data(tmp_path), spec, tmp_path / "cache").cells[0, 0].tolist() == [[0, 0], [1, 0]]


def test_groups_may_change_without_decoding_anew(folder: Path, tmp_path: Path, decoded: list[int]) -> None:
    load(open_data(folder), SPEC, tmp_path / "cache")
    regrouped = load(open_data(folder).regrouped("xxyy"), SPEC, tmp_path / "cache")
    assert regrouped.groups == ("x", "x", "y", "y")
    assert len(decoded) == 4


def test_a_killed_load_leaves_nothing_that_counts(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    killed = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", _LOAD_AND_DIE, str(folder), str(cache)], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert [path.suffix for path in cache.iterdir() if path.is_dir()] == [".partial"]
    strips = load(open_data(folder), SPEC, cache)
    assert np.array_equal(strips.pixels[3], decode((folder / strips.names[3]).read_bytes(), SPEC).pixels)
    assert [path.suffix for path in cache.iterdir() if path.is_dir()] == [""]


_LOAD_AND_DIE = """
import os, signal, sys
from pathlib import Path
from steel_defect.contract import InputSpec
from steel_defect_trainer.data import load
from steel_defect_trainer.data.layouts import open_data
seen, decode = [], load.decode
def third_time_unlucky(data, spec):
    seen.append(0)
    if len(seen) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return decode(data, spec)
load.decode = third_time_unlucky
load.load(open_data(Path(sys.argv[1])), InputSpec(), Path(sys.argv[2]))
"""


def test_a_full_disk_is_said_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    # The kernel refuses to let a file grow, as it does on a full disk, with another number for the reason.
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    cache = tmp_path / "cache"
    full = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", _LOAD, str(folder), str(cache)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=little_room,
    )
    assert "DataError" in full.stderr.splitlines()[-1]
    assert "cannot be written" in full.stderr.splitlines()[-1]
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


_LOAD = """
import sys
from pathlib import Path
from steel_defect.contract import InputSpec
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.load import load
load(open_data(Path(sys.argv[1])), InputSpec(), Path(sys.argv[2]))
"""


def test_processes_that_load_at_once_get_the_same(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    processes = [
        subprocess.Popen([sys.executable, "-c", _LOAD, str(folder), str(cache)], stderr=subprocess.PIPE)  # noqa: S603 - this interpreter
        for _ in range(3)
    ]
    for process in processes:
        _, said = process.communicate(timeout=100)
        assert process.returncode == 0, said.decode()
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 1


def test_a_picture_that_went_missing_is_named(folder: Path, tmp_path: Path) -> None:
    dataset = open_data(folder)
    (folder / "train_images" / "2.jpg").unlink()
    with pytest.raises(DataError, match=r"picture .*2\.jpg cannot be read: No such file"):
        load(dataset, SPEC, tmp_path / "cache")


def test_an_error_in_the_middle_leaves_nothing_and_is_not_remembered(folder: Path, tmp_path: Path) -> None:
    good = (folder / "train_images" / "2.jpg").read_bytes()
    (folder / "train_images" / "2.jpg").write_bytes(good[:2000])
    with pytest.raises(DataError, match=r"2\.jpg: .*cannot be decoded to its end"):
        load(open_data(folder), SPEC, tmp_path / "cache")
    (folder / "train_images" / "2.jpg").write_bytes(good)
    assert len(load(open_data(folder), SPEC, tmp_path / "cache")) == 4
