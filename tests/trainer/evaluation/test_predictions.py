"""Predictions come back from their file as they went in; damaged files and arrays that do not fit are refused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steel_defect_trainer.errors import PredictionsError
from steel_defect_trainer.predictions import Predictions

if TYPE_CHECKING:
    from pathlib import Path


def made_up(*, with_classes: bool = True) -> Predictions:
    """Two pictures of two classes: the first has the second class, the second is clean."""
    return Predictions(
        names=("defect/ä 1.png", "clean/1.png"),
        classes=np.array([[0, 1], [0, 0]], np.float32),
        defect_logits=np.array([1.5, -2.0], np.float32),
        class_logits=np.array([[-1, 2], [-3, -4]], np.float32) if with_classes else None,
    )


@pytest.mark.parametrize("with_classes", [True, False])
def test_what_is_saved_is_loaded(tmp_path: Path, *, with_classes: bool) -> None:
    saved = made_up(with_classes=with_classes)
    saved.save(tmp_path / "new folder" / "validation.npz")
    loaded = Predictions.load(tmp_path / "new folder" / "validation.npz")
    assert loaded.names == saved.names
    assert loaded.truth.tolist() == [True, False]
    for name in ("classes", "defect_logits", "class_logits"):
        one, other = getattr(loaded, name), getattr(saved, name)
        assert one is other is None or (one.dtype == np.float32 and np.array_equal(one, other))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1), unique=True, max_size=6))
def test_any_names_come_back(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    path = tmp_path_factory.mktemp("predictions") / "test.npz"
    count = len(names)
    Predictions(tuple(names), np.zeros((count, 3), np.float32), np.zeros(count, np.float32)).save(path)
    assert Predictions.load(path).names == tuple(names)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "validation.npz"
    made_up().save(path)
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        made_up(with_classes=False).save(path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["validation.npz"]


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"validation\.npz"):
        Predictions.load(tmp_path / "validation.npz")


def test_a_damaged_file_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "validation.npz"
    made_up().save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(PredictionsError, match="cannot be read as predictions"):
            Predictions.load(path)


def test_a_file_of_other_arrays_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "validation.npz"
    np.savez(path, names=np.array(["a"]), classes=np.zeros((1, 2)))
    with pytest.raises(PredictionsError, match=r"has no array 'defect_logits.*': not predictions of a run"):
        Predictions.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ("a", "a")}, "'a' is named twice"),
        ({"classes": np.zeros(2, np.float32)}, "expected classes of shape"),
        ({"classes": np.zeros((3, 2), np.float32)}, "expected classes of shape"),
        ({"defect_logits": np.zeros(3, np.float32)}, r"expected defect_logits of shape \(2,\), got \(3,\)"),
        ({"class_logits": np.zeros((2, 3), np.float32)}, r"expected class_logits of shape \(2, 2\), got \(2, 3\)"),
        ({"defect_logits": np.array([0, np.nan], np.float32)}, r"1 of 2 pictures have .* not finite, 'b' first"),
        ({"class_logits": np.array([[0, 0], [0, np.inf]], np.float32)}, "not finite, 'b' first"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, object], message: str) -> None:
    arrays: dict[str, object] = {
        "names": ("a", "b"),
        "classes": np.zeros((2, 2), np.float32),
        "defect_logits": np.zeros(2, np.float32),
        "class_logits": np.zeros((2, 2), np.float32),
    }
    with pytest.raises(PredictionsError, match=message):
        Predictions(**{**arrays, **change})  # type: ignore[arg-type]  # one of them is wrong on purpose
