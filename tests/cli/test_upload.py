"""`steel-defect upload`, on the emulators of both clouds, with the upload function's own code behind them."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Literal, Self

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from steel_defect.cli import main
from steel_defect.cli.keys import keys_of
from steel_defect.location import Buckets, Location
from steel_defect.serving import FixedModel
from steel_defect.storage import open_store
from steel_defect.uploads.processor import UploadProcessor
from steel_defect.uploads.refs import ObjectRef
from tests.pictures import encoded
from tests.servers.emulators import Emulator, make_gcs_bucket, make_s3_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steel_defect.scorer import Scorer


UPLOADS, RESULTS = "command-uploads", "command-results"
UNVERSIONED = "command-unversioned"
SHADES = {"dark.png": 10, "line 3/a.png": 150, "line 4/a.png": 250}


@pytest.fixture(scope="module")
def s3(ministack: Emulator) -> Emulator:
    """With buckets."""
    for name in (UPLOADS, RESULTS):
        make_s3_bucket(ministack, name)
    make_s3_bucket(ministack, UNVERSIONED, versioning=False)
    return ministack


@pytest.fixture(scope="module")
def gs(fake_gcs: Emulator) -> Emulator:
    """With buckets."""
    for name in (UPLOADS, RESULTS):
        make_gcs_bucket(fake_gcs, name)
    return fake_gcs


@pytest.fixture(params=["s3", "gs"])
def scheme(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Literal["s3", "gs"]:
    """One cloud; this process takes its emulator for it."""
    for name, value in request.getfixturevalue(request.param).environment.items():
        monkeypatch.setenv(name, value)
    found: Literal["s3", "gs"] = request.param
    return found


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: strips, two of one name, and a file that is no picture."""
    for name, shade in SHADES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(encoded(Image.new("L", (1600, 256), shade), "PNG"))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Function:
    """Does with new objects what the upload function does, some time after they came."""

    def __init__(self, scheme: Literal["s3", "gs"], scorer: Scorer, bucket: str = UPLOADS, delay: float = 0.2) -> None:
        self._scheme, self._bucket, self._delay = scheme, bucket, delay
        self._store = open_store(f"{scheme}://{bucket}")
        self._processor = UploadProcessor(
            FixedModel(scorer), Buckets(Location(scheme, bucket), Location(scheme, RESULTS))
        )
        self._seen = {(info.key, info.tag) for info in self._store.list()}
        self._stopped = Event()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._delay):
            for listed in self._store.list():
                if (listed.key, listed.tag) not in self._seen:
                    self._seen.add((listed.key, listed.tag))
                    info = self._store.head(listed.key)
                    order = f"{time.time_ns():020}"
                    ref = ObjectRef(self._scheme, self._bucket, info.key, order, info.version, info.size, info.tag)
                    self._processor.process(ref)


@pytest.fixture
def function(scheme: Literal["s3", "gs"], probe: Scorer) -> Iterator[Function]:
    """Running."""
    with Function(scheme, probe) as running:
        yield running


def upload(scheme: str, folder: str, *arguments: str, bucket: str = UPLOADS) -> Result:
    places = ["--to", f"{scheme}://{bucket}/{folder}", "--results", f"{scheme}://{RESULTS}"]
    return CliRunner().invoke(main, ["upload", *places, *arguments])


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.usefixtures("function", "pictures")
def test_the_report_is_that_of_score_and_equal_names_stay_apart(scheme: str, probe_file: Path) -> None:
    result = upload(scheme, "json", "--json", "line 4", "line 3", "broken.jpg", "dark.png")
    assert result.exit_code == 1, result.output
    local = CliRunner().invoke(
        main, ["score", "--model", str(probe_file), "--json", "line 4", "line 3", "broken.jpg", "dark.png"]
    )
    names = ["path", "defect_prob", "decision", "class_prob", "threshold", "image", "problem"]
    assert [[row.get(name) for name in names] for row in rows(result)] == [
        [row.get(name) for name in names] for row in rows(local)
    ]
    keys = [row["source"]["key"] for row in rows(result) if "source" in row]
    assert keys == ["json/line 4/a.png", "json/line 3/a.png", "json/dark.png"]


@pytest.mark.usefixtures("function", "pictures")
def test_a_table_a_sheet_and_an_exit_status(scheme: str) -> None:
    result = upload(scheme, "table", "--fail-on", "reject", ".")
    assert result.exit_code == 3
    assert result.stdout.splitlines()[-1] == "4 pictures: 1 pass, 1 review, 1 reject, 1 not scored"
    assert "broken.jpg: the bytes are not a picture that can be read" in result.stdout
    sheet = upload(scheme, "sheet", "--csv", "dark.png", "line 4/a.png")
    assert sheet.exit_code == 0
    found = list(csv.DictReader(io.StringIO(sheet.stdout)))
    assert [row["decision"] for row in found] == ["pass", "reject"]
    assert float(found[1]["prob_left"]) == pytest.approx(250 / 255, abs=1e-4)


@pytest.mark.usefixtures("function")
def test_the_result_of_an_older_version_is_not_taken_for_the_new_ones(scheme: str, pictures: Path) -> None:
    assert rows(upload(scheme, "again", "--json", "dark.png"))[0]["decision"] == "pass"
    (pictures / "dark.png").write_bytes((pictures / "line 4" / "a.png").read_bytes())
    assert rows(upload(scheme, "again", "--json", "dark.png"))[0]["decision"] == "reject"


@pytest.mark.parametrize("scheme", ["s3"], indirect=True)
def test_nor_where_the_bucket_keeps_no_versions(scheme: Literal["s3"], pictures: Path, probe: Scorer) -> None:
    with Function(scheme, probe, UNVERSIONED):
        assert rows(upload(scheme, "x", "--json", "dark.png", bucket=UNVERSIONED))[0]["decision"] == "pass"
        (pictures / "dark.png").write_bytes((pictures / "line 4" / "a.png").read_bytes())
        assert rows(upload(scheme, "x", "--json", "dark.png", bucket=UNVERSIONED))[0]["decision"] == "reject"


@pytest.mark.usefixtures("pictures")
def test_what_does_not_come_in_time_is_named(scheme: str) -> None:
    result = upload(scheme, "late", "--timeout", "1", "--json", "dark.png", "line 3")
    assert result.exit_code == 1
    assert [row["problem"]["type"].rpartition(":")[2] for row in rows(result)] == ["result-not-ready"] * 2
    assert f"still waiting for 2 of the results, which will come to {scheme}://{RESULTS}" in result.stderr
    assert "dark.png: scores/late/dark.png.json" in result.stderr


@pytest.mark.usefixtures("pictures")
def test_ctrl_c_says_what_is_still_waiting(scheme: str) -> None:
    places = ["--to", f"{scheme}://{UPLOADS}/stopped", "--results", f"{scheme}://{RESULTS}"]
    command = [sys.executable, "-m", "steel_defect", "upload", *places, "--json", "dark.png"]
    # A test run in the background of a shell ignores Ctrl-C, and so would what it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - ours
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        store = open_store(f"{scheme}://{UPLOADS}")
        while not list(store.list("stopped/")):
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(1)  # It waits for the result now, of which nothing is seen from outside.
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(said)["problem"]["detail"] == "stopped before its result was there"
    assert "dark.png: scores/stopped/dark.png.json" in complained
    assert "Traceback" not in complained


@pytest.mark.usefixtures("pictures")
def test_without_waiting_it_says_where_each_picture_is(scheme: str) -> None:
    arguments = ["upload", "--to", f"{scheme}://{UPLOADS}/there/", "--no-wait", "line 3", "dark.png"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0
    there = f"{scheme}://{UPLOADS}/there"
    assert result.stdout == f"line 3/a.png  {there}/line 3/a.png\ndark.png  {there}/dark.png\n"
    assert [row["uri"] for row in rows(CliRunner().invoke(main, [*arguments, "--json"]))][1] == f"{there}/dark.png"
    assert open_store(there).get("dark.png").data


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["dark.png"], 2, "--to"),
        (["--to", "s3://bucket", "dark.png"], 2, "say with --results where results go, or --no-wait"),
        (["--to", "s3://bucket", "--no-wait", "--csv", "dark.png"], 2, "--no-wait does not wait for"),
        (["--to", "s3://bucket", "--no-wait", "nothing.png"], 2, "nothing.png does not exist"),
        (["--to", "ftp://host/a", "--no-wait", "dark.png"], 1, "is not the URI of a store"),
        (["--to", "s3://bucket/a", "--results", "s3://bucket/b", "dark.png"], 1, "results would be taken for uploads"),
        (["--to", "s3://not-there-at-all", "--no-wait", "dark.png"], 1, "NoSuchBucket"),
    ],
)
@pytest.mark.usefixtures("pictures")
def test_what_cannot_be_meant_is_said(
    s3: Emulator, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, complaint: str
) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, ["upload", *arguments])
    assert result.exit_code == status
    assert complaint in result.stderr


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["."], ["broken.jpg", "dark.png", "line 3/a.png", "line 4/a.png"]),
        (["line 3"], ["a.png"]),
        (["line 3/a.png"], ["a.png"]),
        (["line 3/a.png", "line 4/a.png"], ["line 3/a.png", "line 4/a.png"]),
        (["line 3", "./line 3/../line 3/a.png"], ["a.png"]),
        (["line 4", "dark.png"], ["line 4/a.png", "dark.png"]),
        (["line */*.png"], ["line 3/a.png", "line 4/a.png"]),
    ],
)
def test_keys_are_paths_below_what_all_have_in_common(pictures: Path, arguments: list[str], keys: list[str]) -> None:
    assert list(keys_of(arguments).values()) == keys
    assert list(keys_of([os.path.join(pictures, argument) for argument in arguments]).values()) == keys  # noqa: PTH118 - "."
