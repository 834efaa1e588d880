"""Whatever standard output is, what was found gets there, or one line says why not."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.pictures import encoded
from tests.probe_model import probe_model
from tests.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("Walzstraße.png", "圧延.png", "plain.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures with names of several scripts; beside it the probe model."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(encoded(Image.new("L", (1600, 256), 220), "PNG"))
    (tmp_path / "probe.onnx").write_bytes(probe_model())
    return folder


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "steel_defect", "score", "--model", "../probe.onnx", *arguments]


def score(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - our own command
        command(*arguments), cwd=folder, env={**os.environ, **environment}, capture_output=True, check=False
    )


@pytest.mark.parametrize("page", ["cp1252", "latin-1", "cp932", "cp437", "ascii", "utf-8"])
def test_a_code_page_without_a_character_stops_nothing(folder: Path, page: str) -> None:
    run = score(folder, ".", PYTHONIOENCODING=page)
    assert (run.returncode, b"Traceback" in run.stderr) == (0, False)
    table = run.stdout.decode(page)
    assert "3 pictures: 3 reject" in table
    assert ("█" if page == "utf-8" else "#########.") in table
    assert r"\u2588" not in table


@pytest.mark.parametrize("page", ["cp1252", "ascii", "utf-8"])
def test_csv_that_a_program_reads_is_utf_8(folder: Path, page: str) -> None:
    run = score(folder, ".", "--csv", PYTHONIOENCODING=page)
    assert run.returncode == 0
    rows = list(csv.DictReader(io.StringIO(run.stdout.decode("utf-8"))))
    assert {row["path"] for row in rows} == set(NAMES)


@pytest.mark.skipif(sys.platform != "linux", reason="only there a name may be any bytes")
@pytest.mark.parametrize("form", [(), ("--csv",), ("--json",)])
def test_a_name_that_is_no_text_stops_nothing(folder: Path, form: tuple[str, ...]) -> None:
    os.rename(os.fsencode(folder / "plain.png"), os.fsencode(folder) + b"/\xff\xfe.png")  # noqa: PTH104 - bytes
    run = score(folder, ".", *form, PYTHONIOENCODING="utf-8")
    assert (run.returncode, b"Traceback" in run.stderr) == (0, False)
    assert rb"\udcff\udcfe.png" in run.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")  # noqa: PTH110 - a device
@pytest.mark.parametrize("form", [(), ("--csv",), ("--json",)])
def test_a_full_disk_is_one_line(folder: Path, form: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - as above
        run = subprocess.run(  # noqa: S603 - our own command
            command(".", *form), cwd=folder, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert run.returncode == 1
    assert run.stderr == b"Error: what was found cannot be written: No space left on device\n"


def test_a_reader_that_has_enough_is_no_error(folder: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        run = subprocess.run(  # noqa: S603 - our own command
            command(".", "--csv"), cwd=folder, stdout=pipe, stderr=subprocess.PIPE, check=False
        )
    assert run.stderr == b""


@pytest.mark.skipif(sys.platform == "win32", reason="no signals there")
@pytest.mark.parametrize("form", [(), ("--csv",), ("--json",)])
def test_ctrl_c_leaves_what_was_done(folder: Path, form: tuple[str, ...]) -> None:
    """The third picture is a pipe in which nothing comes."""
    os.mkfifo(folder / "z-nothing-comes.png")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    out = (folder / "out").open("w+b")
    try:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command("plain.png", *NAMES[:2], "z-nothing-comes.png", *form)],
            cwd=folder, stdout=out, stderr=subprocess.PIPE, env={**os.environ, "MODEL_THREADS": "1"}
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)
    with out:
        # It waits for the pipe once somebody may write into it.
        writer = wait_for(lambda: opened(folder / "z-nothing-comes.png"))
        if form == ("--json",):
            wait_for(lambda: (folder / "out").read_bytes().count(b"\n") == 3)
        process.send_signal(signal.SIGINT)
        os.close(writer)
        said = process.communicate(timeout=60)[1]
        found = (folder / "out").read_text("utf-8")
    assert process.returncode == 130
    assert b"stopped: 3 of 4 pictures are done" in said
    assert b"Traceback" not in said
    if form == ("--json",):
        assert len([json.loads(line) for line in found.splitlines()]) == 3
    else:
        assert "plain.png" in found


def opened(pipe: Path) -> int | None:
    """A descriptor to write with; None as long as nobody reads."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None
