"""Parts share no picture and no group, have like mixes of classes, and come back from their file as they were."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from steel_defect_trainer.cli.split import command
from steel_defect_trainer.data.clean_parts import with_defects_held_out
from steel_defect_trainer.data.dataset import DataSet, LabelledPicture
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.near_duplicates import group_near_duplicates
from steel_defect_trainer.data.split import PARTS, Split, make_folds, make_split, read_split, subset, write_split
from steel_defect_trainer.errors import DataError
from tests.trainer.data.folders import noise_picture, write_picture, write_severstal, write_table

COMBINATIONS = ((), (0,), (2,), (2, 3))


def data_set(classes: list[tuple[int, ...]], groups: list[int] | None = None) -> DataSet:
    """Pictures of these classes, each a group of its own unless said otherwise."""
    pictures = tuple(
        LabelledPicture(f"{place:05d}.jpg", frozenset(its), {}, f"g{groups[place] if groups else place}")
        for place, its in enumerate(classes)
    )
    return DataSet(Path("data"), ("a", "b", "c", "d"), pictures)


def like_severstal(count: int = 1000) -> DataSet:
    chosen = np.random.default_rng(5).choice(4, count, p=[0.47, 0.08, 0.4, 0.05])
    return data_set([COMBINATIONS[number] for number in chosen])


def test_parts_have_their_share_of_every_combination() -> None:
    dataset = like_severstal()
    masks = make_split(dataset, 0).masks(dataset)
    assert [int(masks[part].sum()) for part in PARTS] == [700, 150, 150]
    assert np.array_equal(sum(masks[part].astype(int) for part in PARTS), np.ones(len(dataset)))
    for combination in COMBINATIONS:
        has = np.array([picture.classes == set(combination) for picture in dataset.pictures])
        for part, fraction in zip(PARTS, (0.7, 0.15, 0.15), strict=True):
            assert abs((has & masks[part]).sum() - fraction * has.sum()) <= 3


def test_same_seed_same_split_and_other_seed_another() -> None:
    dataset = like_severstal()
    assert make_split(dataset, 3) == make_split(dataset, 3)
    assert make_split(dataset, 3).part_of != make_split(dataset, 4).part_of


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(COMBINATIONS), st.integers(0, 30)), min_size=1, max_size=120), st.integers(0, 9)
)
def test_no_group_is_ever_in_two_parts(drawn: list[tuple[tuple[int, ...], int]], seed: int) -> None:
    dataset = data_set([classes for classes, _ in drawn], [group for _, group in drawn])
    try:
        split = make_split(dataset, seed)
    except DataError as error:
        assert "each part needs both kinds" in str(error)  # noqa: PT017 - most draws can be split, some cannot
        return
    parts_of = {picture.group: set[str]() for picture in dataset.pictures}
    for picture in dataset.pictures:
        parts_of[picture.group].add(split.part_of[picture.name])
    assert all(len(parts) == 1 for parts in parts_of.values())


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(COMBINATIONS), st.integers(0, 30)), min_size=1, max_size=120),
    st.integers(2, 6),
)
def test_no_group_is_in_two_folds_and_each_fold_has_both_kinds(
    drawn: list[tuple[tuple[int, ...], int]], folds: int
) -> None:
    dataset = data_set([classes for classes, _ in drawn], [group for _, group in drawn])
    try:
        assigned = make_folds(dataset, folds, 0)
    except DataError as error:
        assert "use fewer folds" in str(error)  # noqa: PT017 - most draws can be split, some cannot
        return
    defect = np.array([bool(picture.classes) for picture in dataset.pictures])
    assert set(assigned[defect]) == set(assigned[~defect]) == set(range(folds))
    assert len({(picture.group, fold) for picture, fold in zip(dataset.pictures, assigned, strict=True)}) == len(
        {picture.group for picture in dataset.pictures}
    )


def test_large_groups_still_leave_each_part_about_its_share() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(200), rng.integers(1, 12, 200)).tolist()
    chosen = {group: COMBINATIONS[rng.integers(4)] for group in groups}
    dataset = data_set([chosen[group] for group in groups], groups)
    masks = make_split(dataset, 1).masks(dataset)
    assert [masks[part].mean() for part in PARTS] == pytest.approx([0.7, 0.15, 0.15], abs=0.01)


def test_file_comes_back_as_it_was(tmp_path: Path) -> None:
    dataset = like_severstal(200)
    split = make_split(dataset, 7)
    write_split(split, dataset, tmp_path / "split.csv")
    lines = (tmp_path / "split.csv").read_text().splitlines()
    assert lines[0] == "# steel-defect split of 200 pictures, seed 7, 0.7/0.15/0.15"
    assert lines[1] == "file,group,part"
    read, made = read_split(tmp_path / "split.csv", dataset), split.masks(dataset)
    assert all(np.array_equal(read[part], made[part]) for part in PARTS)


def test_small_subset_comes_from_the_training_part_alone(tmp_path: Path) -> None:
    dataset = like_severstal()
    split = make_split(dataset, 0)
    small = subset(dataset, split, 0, 350, 150)
    write_split(small, dataset, tmp_path / "small.csv")
    whole, part = split.masks(dataset), read_split(tmp_path / "small.csv", dataset)
    assert [int(part[name].sum()) for name in PARTS] == [350, 150, 150]
    assert (whole["train"] | ~(part["train"] | part["validation"])).all()
    assert np.array_equal(part["test"], whole["test"])
    defect = np.array([bool(picture.classes) for picture in dataset.pictures])
    assert defect[part["train"]].mean() == pytest.approx(defect[part["validation"]].mean(), abs=0.02)
    with pytest.raises(DataError, match=r"600 \+ 150 pictures were asked for, and the training part of data has 700"):
        subset(dataset, split, 0, 600, 150)


def test_split_by_annotation_row_is_refused(tmp_path: Path) -> None:
    # What the seed project did: rows of defects were split, and a picture with two classes has two rows.
    dataset = open_data(write_severstal(tmp_path, [(1, 3), (), (1,), (3,), (2, 4), ()] * 6))
    with (tmp_path / "train.csv").open(newline="") as table:
        names = [f"train_images/{row['ImageId']}" for row in csv.DictReader(table)]
    names += [picture.name for picture in dataset.pictures if not picture.classes]
    order = np.random.default_rng(0).permutation(len(names))
    cuts = np.searchsorted([0.7, 0.85], order / len(names), side="right")
    by_row = [(name, name, PARTS[cut]) for name, cut in zip(names, cuts, strict=True)]
    parts_of: dict[str, set[str]] = {name: set() for name in names}
    for name, _, part in by_row:
        parts_of[name].add(part)
    assert sum(len(parts) > 1 for parts in parts_of.values()) > 3, "the mistake does leak"

    write_table(tmp_path / "split.csv", ("file", "group", "part"), by_row)
    with pytest.raises(DataError, match=r"is in row \d+ already; a picture is in one part, once"):
        read_split(tmp_path / "split.csv", dataset)
    masks = make_split(dataset, 0).masks(dataset)
    assert np.array_equal(sum(masks[part].astype(int) for part in PARTS), np.ones(len(dataset)))


def test_near_duplicates_in_two_parts_are_refused(tmp_path: Path) -> None:
    for place in range(12):
        pixels = noise_picture(place, 128, 128)
        kind = "defect" if place % 2 else "clean"
        write_picture(tmp_path / kind / f"{place}.png", pixels)
        darker = (pixels * 0.6).astype(np.uint8)
        write_picture(tmp_path / kind / f"{place}-again.png", darker)
    alone = open_data(tmp_path)
    dataset = group_near_duplicates(alone, tmp_path / "cache")
    assert set(Counter(picture.group for picture in dataset.pictures).values()) == {2}

    leaking = next(split for seed in range(9) if _leaks(split := make_split(alone, seed), dataset))
    write_split(leaking, alone, tmp_path / "split.csv")
    with pytest.raises(DataError, match=r"and others of its group .* in"):
        read_split(tmp_path / "split.csv", dataset)
    write_split(make_split(dataset, 0), dataset, tmp_path / "split.csv")
    assert sum(mask.sum() for mask in read_split(tmp_path / "split.csv", dataset).values()) == 24


def _leaks(split: object, dataset: DataSet) -> bool:
    part_of = getattr(split, "part_of", {})
    return any(part_of[picture.name] != part_of[picture.group] for picture in dataset.pictures)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("00003.jpg", "g3", "training"), r"split\.csv, row 5: unknown part 'training'"),
        (("00002.jpg", "g3", "test"), r"row 5: 00002\.jpg is in row 4 already"),
        (("x.jpg", "g3", "train"), r"does not name 00003\.jpg, of data \(1 such\)"),
        (("00003.jpg", "g0", "validation"), r"row 5: group g0 is in part train by row 2, and in validation here"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, row: tuple[str, str, str], said: str) -> None:
    dataset = data_set([(), (0,)] * 6)
    rows = [(picture.name, picture.group, PARTS[place % 3]) for place, picture in enumerate(dataset.pictures)]
    write_table(tmp_path / "split.csv", ("file", "group", "part"), rows)
    assert read_split(tmp_path / "split.csv", dataset)["validation"].sum() == 4
    write_table(tmp_path / "split.csv", ("file", "group", "part"), [*rows[:3], row, *rows[4:]])
    with pytest.raises(DataError, match=said):
        read_split(tmp_path / "split.csv", dataset)


def test_a_file_of_a_larger_set_is_refused(tmp_path: Path) -> None:
    larger = data_set([(), (0,)] * 20)
    write_split(make_split(larger, 0), larger, tmp_path / "split.csv")
    with pytest.raises(DataError, match=r"names 00038\.jpg, which data does not have \(2 such\)"):
        read_split(tmp_path / "split.csv", data_set([(), (0,)] * 19))


@pytest.mark.parametrize(
    ("classes", "missing"), [([()] * 9, "defect pictures"), ([(0,)] * 9, "clean pictures"), ([(), (0,)], "pictures")]
)
def test_parts_without_both_kinds_are_refused(classes: list[tuple[int, ...]], missing: str) -> None:
    with pytest.raises(DataError, match=rf"of data has no {missing}; each part needs both kinds"):
        make_split(data_set(classes), 0)


def test_clean_pictures_alone_are_split_if_no_part_needs_defects(tmp_path: Path) -> None:
    dataset = data_set([()] * 20)
    split = make_split(dataset, 0, defects=False)
    assert [int(mask.sum()) for mask in split.masks(dataset).values()] == [14, 3, 3]
    write_split(split, dataset, tmp_path / "split.csv")
    assert read_split(tmp_path / "split.csv", dataset, defects=False)["test"].sum() == 3
    with pytest.raises(DataError, match=r"both kinds\. From clean pictures alone learns the recipe clean"):
        read_split(tmp_path / "split.csv", dataset)
    with pytest.raises(DataError, match=r"has no clean pictures; each part needs clean ones"):
        make_split(data_set([(0,)] * 9), 0, defects=False)


def test_defects_that_nobody_learns_from_choose_the_threshold() -> None:
    dataset = data_set([(), (), (0,), (1,)] * 10)
    split = make_split(dataset, 0)
    held_out = with_defects_held_out(split, dataset)
    defect = np.array([bool(picture.classes) for picture in dataset.pictures])
    before, after = split.masks(dataset), held_out.masks(dataset)
    assert not (after["train"] & defect).any()
    assert (after["train"] == before["train"] & ~defect).all()
    assert (after["test"] == before["test"]).all()
    assert (after["validation"] == before["validation"] | before["train"] & defect).all()
    assert held_out.made.endswith("; 14 defects moved from the training part to validation")
    # A group of both kinds stays where it is, whole.
    together = dataset.regrouped("a" if place < 8 else str(place) for place in range(40))
    parts = with_defects_held_out(make_split(together, 0), together).part_of
    assert len({parts[picture.name] for picture in together.pictures[:8]}) == 1
    clean = data_set([()] * 9)
    assert with_defects_held_out(Split(dict.fromkeys((p.name for p in clean.pictures), "train"), ""), clean).made == ""


def test_command_writes_the_file_and_says_what_is_in_it(tmp_path: Path) -> None:
    write_severstal(tmp_path / "data", [(), (1,), (3,), ()] * 6)
    options = [str(tmp_path / "data"), "-o", str(tmp_path / "split.csv"), "--cache", str(tmp_path / "cache")]
    result = CliRunner().invoke(command, options)
    assert result.exit_code == 0, result.output
    assert "validation" in result.output
    masks = read_split(tmp_path / "split.csv", open_data(tmp_path / "data"))
    assert sum(int(mask.sum()) for mask in masks.values()) == 24
    refused = CliRunner().invoke(command, [*options, "--subset", "30", "10"])
    assert refused.exit_code == 1
    assert "ask for fewer" in refused.output
