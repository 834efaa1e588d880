"""`steel-defect score` of many pictures: on all processors, in order, in memory that does not grow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from PIL import Image

from steel_defect.cli import main
from steel_defect.pictures.views import View, view_of
from steel_defect.settings import load_settings
from tests.pictures import encoded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on two processors, whatever there are."""
    monkeypatch.setenv("MODEL_THREADS", "2")
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


def folder_of(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:05d}.png").write_bytes(encoded(Image.new("L", (400, 64), number % 256), "PNG"))
    return folder


@pytest.mark.usefixtures("two_threads")
def test_two_pictures_are_worked_on_at_a_time_and_come_in_order(
    tmp_path: Path, probe_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = Barrier(2, timeout=60)  # the first is not decoded before the second one is begun

    def view_together(*what: Any) -> View:  # noqa: ANN401 - as they come
        together.wait()
        return view_of(*what)

    monkeypatch.setattr("steel_defect.scorer.view_of", view_together)
    folder = folder_of(tmp_path / "pictures", 20)
    result = CliRunner().invoke(main, ["score", "--json", "--model", str(probe_file), str(folder)])
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["path"] for row in rows] == [str(path) for path in sorted(folder.iterdir())]
    assert [round(255 * row["defect_prob"]) for row in rows] == list(range(20))


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="no memory figures of a child process here")
def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path, probe_file: Path) -> None:
    def most_memory_mb(count: int) -> float:
        command = [sys.executable, "-m", "steel_defect", "score", "--json", "--model", str(probe_file)]
        folder = folder_of(tmp_path / str(count), count)
        process = subprocess.Popen([*command, str(folder)], stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status  # reaped here
        assert status == 0
        return usage.ru_maxrss / 1024

    few, many = most_memory_mb(200), most_memory_mb(4000)
    # Of each picture its path is kept, 0.5 kB; the answers would be 2 kB each.
    assert many - few < 6, f"{few:.1f} MB for 200 pictures, {many:.1f} MB for 4,000"
