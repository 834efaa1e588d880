"""What a user installs: everything in the wheel has a name of ours, and the Cloud Run function comes along."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it is released, built by uv."""
    folder = tmp_path_factory.mktemp("wheel")
    command = ["uv", "build", "--quiet", "--wheel", "--out-dir", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True)  # noqa: S603 - ours
    (built,) = folder.glob("*.whl")
    return built


def test_everything_in_the_wheel_has_a_name_of_ours(wheel: Path) -> None:
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name.partition("-")[0] for name in names} == {"steel_defect", "steel_defect_trainer"}
    metadata = next(name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".dist-info/METADATA"))
    assert "Provides-Extra: trainer\n" in zipfile.ZipFile(wheel).read(metadata).decode()


def test_the_installed_command_serves_the_function_inside_the_wheel(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom steel_defect.cli import serve\nprint(serve.source())"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603 - ours
    source = Path(run.stdout.strip())
    assert source == tmp_path / "steel_defect" / "_cloud_run" / "main.py"
    assert {path.name for path in source.parent.iterdir()} == {"main.py", "gcp_log.py"}
