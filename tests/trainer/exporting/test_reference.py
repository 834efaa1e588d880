"""The reference that goes into a model file: bins of equal shares, whatever the values, and the scorer's figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from steel_defect.scorer import Scorer
from steel_defect_trainer.exporting.reference import (
    MOST,
    distribution,
    reference_of_files,
    reference_of_pixels,
    write_reference,
)
from tests.pictures import encoded, gray
from tests.probe_model import probe_model

if TYPE_CHECKING:
    from pathlib import Path


def test_values_that_differ_fall_into_ten_bins_of_equal_shares() -> None:
    found = distribution(np.arange(1000.0))
    assert found.edges == tuple(range(100, 1000, 100))
    assert found.shares == pytest.approx([0.1] * 10, abs=0.0011)


@pytest.mark.parametrize(
    ("values", "edges", "shares"),
    [
        ([0] * 95 + [1, 2, 3, 4, 5], (1,), (0.95, 0.05)),
        ([0] * 50 + [1] * 50, (1,), (0.5, 0.5)),
        ([1] * 30 + [2] * 30 + [3] * 40, (2, 3), (0.3, 0.3, 0.4)),
        ([0] * 100, (5e-324,), (1, 0)),
        ([7], (float(np.nextafter(7, 8)),), (1, 0)),
    ],
)
def test_equal_values_share_a_bin_and_never_hide_a_change(
    values: list[int], edges: tuple[float, ...], shares: tuple[float, ...]
) -> None:
    found = distribution(np.array(values, np.float64))
    assert found.edges == edges
    assert found.shares == pytest.approx(shares)


def test_pixels_and_files_of_the_same_pictures_give_the_same(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(probe_model())
    pixels = np.random.default_rng(0).integers(0, 256, (30, 1, 1)) * np.ones((1, 128, 800))
    files = [tmp_path / f"{place}.png" for place in range(len(pixels))]
    for file, picture in zip(files, pixels, strict=True):
        file.write_bytes(encoded(gray(picture)))
    reference = reference_of_files(model, files)
    assert reference == reference_of_pixels(model, pixels.astype(np.uint8))
    assert reference.pictures == 30
    # The probe's answer is the mean gray.
    assert np.array(reference.statistics["defect_prob"].edges) * 255 == pytest.approx(
        reference.statistics["mean"].edges, abs=1e-3
    )


def test_a_model_file_keeps_it_and_its_answers(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(probe_model())
    reference = reference_of_pixels(model, np.zeros((3, 128, 800), np.uint8))
    write_reference(model, reference)
    scorer = Scorer(model)
    assert scorer.contract.reference == reference
    assert scorer.score(encoded(gray(np.full((128, 800), 51.0)))).defect_prob == pytest.approx(0.2, abs=1e-5)


def test_of_many_pictures_some_that_are_spread_over_them_are_scored(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(probe_model())
    shades = np.repeat(np.arange(200, dtype=np.uint8), 15)
    pixels = np.broadcast_to(shades[:, None, None], (3000, 128, 800))
    reference = reference_of_pixels(model, pixels)
    assert reference.pictures == MOST
    assert reference.statistics["mean"].edges == pytest.approx(range(20, 200, 20), abs=1)
