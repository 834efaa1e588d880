"""What users call their pictures is understood or refused with a word, in tables and as names of folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from steel_defect_trainer.cli.eda import command as eda
from steel_defect_trainer.cli.split import command as split
from steel_defect_trainer.cli.train import command as train
from steel_defect_trainer.data.label_words import check_class_names
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.split import make_split
from steel_defect_trainer.errors import DataError
from tests.trainer.data.folders import noise_picture, write_picture, write_table

if TYPE_CHECKING:
    from pathlib import Path

    import click

    from steel_defect_trainer.data.dataset import DataSet


def opened(folder: Path, *labels: str) -> DataSet:
    """A table with a picture for each label: 0.png, 1.png, ..."""
    for number in range(len(labels)):
        write_picture(folder / f"{number}.png", noise_picture(number, 32, 32))
    write_table(folder / "labels.csv", ("file", "label"), [(f"{n}.png", label) for n, label in enumerate(labels)])
    return open_data(folder)


def with_pictures(folder: Path, *names: str) -> Path:
    """A folder of pictures that are all different."""
    for seed, name in enumerate(names):
        write_picture(folder / name, noise_picture(seed, 32, 32))
    return folder


def labels_of(dataset: DataSet) -> dict[str, str]:
    return {
        picture.name: "+".join(dataset.class_names[number] for number in picture.classes) or "clean"
        for picture in dataset.pictures
    }


@pytest.mark.parametrize(("good", "bad"), [("OK", "NG"), ("good", "bad"), ("normal", "anomaly"), ("Clean", "dent")])
def test_words_for_clean_are_clean_in_a_table(tmp_path: Path, good: str, bad: str) -> None:
    dataset = opened(tmp_path, good, bad, good.upper(), good.lower())
    assert dataset.class_names == (bad,)
    assert labels_of(dataset) == {"0.png": "clean", "1.png": bad, "2.png": "clean", "3.png": "clean"}


@pytest.mark.parametrize(("good", "bad"), [("OK", "NG"), ("good", "Bad"), ("normal", "anomaly"), ("clean", "defects")])
def test_words_for_clean_and_defect_are_names_of_folders(tmp_path: Path, good: str, bad: str) -> None:
    dataset = open_data(with_pictures(tmp_path, f"{good}/a.png", f"{bad}/b.png"))
    assert dataset.class_names == ("defect",)
    assert labels_of(dataset) == {f"{good}/a.png": "clean", f"{bad}/b.png": "defect"}


@pytest.mark.parametrize("word", ["none", "No defect", "no_defects", "defect-free", "Free"])
def test_other_words_for_no_defect_are_no_class(tmp_path: Path, word: str) -> None:
    with pytest.raises(DataError, match=rf"labels\.csv: the label '{word}' reads .* labelled 'clean', 'good'"):
        opened(tmp_path, "dent", word)


def test_a_split_without_clean_pictures_says_which_words_are_clean(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"has no clean pictures; .* called clean, good, ok, normal; .* called i\.O\., nio"
    ):
        make_split(opened(tmp_path, *["i.O.", "nio"] * 8), 0)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Scratch", "scratch"), ("scratch", "scratches"), ("Dents", "dent"), ("scale patch", "scale_patch")],
)
def test_class_names_that_are_nearly_equal_are_both_named(tmp_path: Path, one: str, other: str) -> None:
    with pytest.raises(DataError, match=rf"labels\.csv: the labels '{one}' and '{other}' differ only"):
        opened(tmp_path, one, "pits", "clean", other)


def test_class_names_that_differ_are_let_be() -> None:
    check_class_names(("crack", "crazing", "pit", "scratch", "stain", "class 1", "class 11"), "labels.csv")


@pytest.mark.parametrize("layout", ["table", "folders"])
def test_the_same_bytes_under_two_labels_are_an_error_that_names_both_files(tmp_path: Path, layout: str) -> None:
    names = ("clean/a.png", "defect/b.png", "defect/c.png")
    with_pictures(tmp_path, *names)
    (tmp_path / "defect/c.png").write_bytes((tmp_path / "clean/a.png").read_bytes())
    if layout == "table":
        write_table(tmp_path / "labels.csv", ("file", "label"), zip(names, ("ok", "dent", "dent"), strict=True))
    label = "dent" if layout == "table" else "defect"
    with pytest.raises(
        DataError, match=rf"clean/a\.png \(clean\) and .*defect/c\.png \({label}\) are the same picture"
    ):
        open_data(tmp_path)


def test_the_same_bytes_under_one_label_and_files_that_only_begin_alike_are_let_be(tmp_path: Path) -> None:
    with_pictures(tmp_path, "clean/a.bmp", "clean/b.bmp", "defect/c.bmp", "defect/d.bmp")
    (tmp_path / "clean/b.bmp").write_bytes((tmp_path / "clean/a.bmp").read_bytes())
    pixels = noise_picture(0, 128, 128).copy()
    write_picture(tmp_path / "clean/a.bmp", pixels)
    pixels[-1, -1] ^= 1
    write_picture(tmp_path / "defect/d.bmp", pixels)
    assert len(open_data(tmp_path)) == 4


def test_clean_pictures_may_be_alone(tmp_path: Path) -> None:
    dataset = open_data(with_pictures(tmp_path, "Good/a.png", "Good/monday/b.png"))
    assert dataset.class_names == ("defect",)
    assert labels_of(dataset) == {"Good/a.png": "clean", "Good/monday/b.png": "clean"}
    (tmp_path / "labels.csv").write_text("file,label\nGood/a.png,ok\n", encoding="utf-8")
    table = open_data(tmp_path)
    assert (table.class_names, labels_of(table)) == (("defect",), {"Good/a.png": "clean"})


def test_folders_in_defect_are_the_classes(tmp_path: Path) -> None:
    names = ("clean/a.png", "defect/scratch/b.png", "defect/scratch/monday/c.png", "defect/pits/d.png")
    dataset = open_data(with_pictures(tmp_path, *names))
    assert dataset.class_names == ("pits", "scratch")
    assert labels_of(dataset) == dict(zip(names, ("clean", "scratch", "scratch", "pits"), strict=True))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("clean/a.png", "defect/b.png", "defect/pits/c.png"), r"defect/b\.png is in no class, beside pits/"),
        (
            ("clean/monday/a.png", "defect/monday/b.png", "defect/pits/c.png"),
            r"clear whether the folders in .* classes",
        ),
        (("clean/a.png", "defect/good/b.png"), r"defect/good is called clean, and lies in defect/; move it to .*clean"),
        (("clean/a.png", "defect/Pit/b.png", "defect/pits/c.png"), r"the labels 'Pit' and 'pits' differ only"),
        (("clean/a.png", "defect/b.png", "scratch/c.png"), r"scratch holds pictures.*move it into .*defect"),
        (("good/a.png", "scratch/b.png"), r"has no folder defect/.*with a folder for each class"),
        (("good/a.png", "bad/b.png", "ng/c.png"), r"has bad/ and ng/; move all classes into one folder defect/"),
    ],
)
def test_folders_that_are_not_clear_are_refused_by_name(tmp_path: Path, names: tuple[str, ...], said: str) -> None:
    with pytest.raises(DataError, match=said):
        open_data(with_pictures(tmp_path, *names))


@pytest.mark.parametrize(
    ("command", "before"), [(eda, ()), (split, ()), (train, ("strip",))], ids=["eda", "split", "train"]
)
def test_each_command_says_it_before_long_work(
    tmp_path: Path, command: click.Command, before: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*_: object) -> None:
        pytest.fail("a picture was decoded")

    monkeypatch.setattr("steel_defect_trainer.data.load.decode", decoded)
    with pytest.raises(DataError):
        opened(tmp_path, "Dent", "dent", "ok")
    options = ("-o", str(tmp_path / "out"), "--cache", str(tmp_path / "cache"))
    result = CliRunner().invoke(command, [*before, str(tmp_path), *options])
    assert result.exit_code == 1
    assert "Error: " in result.output
    assert "the labels 'Dent' and 'dent' differ only in capitals, spaces or a plural" in result.output
