"""All pictures that cannot be used are named at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from steel_defect.contract import InputSpec
from steel_defect_trainer.data.faults import listed
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.near_duplicates import group_near_duplicates
from steel_defect_trainer.errors import DataError
from tests.trainer.data.folders import noise_picture, write_picture

if TYPE_CHECKING:
    from pathlib import Path


def test_every_picture_that_is_damaged_is_named(tmp_path: Path) -> None:
    for number in range(6):
        kind = "clean" if number % 2 else "defect"
        write_picture(tmp_path / "data" / kind / f"{number}.png", noise_picture(number, 64, 96))
    for name in ("defect/0.png", "clean/3.png", "defect/4.png"):
        path = tmp_path / "data" / name
        path.write_bytes(path.read_bytes()[:-200])
    dataset = open_data(tmp_path / "data")
    for read in (
        lambda: group_near_duplicates(dataset, tmp_path / "cache"),
        lambda: load(dataset, InputSpec(height=64, width=96), tmp_path / "cache"),
    ):
        with pytest.raises(DataError, match="3 pictures have faults") as raised:
            read()
        assert all(name in str(raised.value) for name in ("0.png", "3.png", "4.png"))
        assert "1.png" not in str(raised.value)
    assert not [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]


def test_one_fault_is_said_plainly_and_of_very_many_the_first() -> None:
    assert listed(["a.png is black"], "masks") == "a.png is black"
    many = listed([f"{number}.png" for number in np.arange(50)], "masks").splitlines()
    assert (many[0], many[1], many[-1]) == ("50 masks have faults:", "  0.png", "  and 30 more")
