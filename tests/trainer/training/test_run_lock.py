"""A run's folder has one writer, and a killed one leaves nothing behind that would refuse the next."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import torch

from steel_defect_trainer.errors import RunError
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.training.distributed import World
from steel_defect_trainer.training.run_lock import writing
from tests.trainer.small import ALONE

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import sys, time
from pathlib import Path
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.training.run_lock import writing
from tests.trainer.small import ALONE
with writing(RunFolder(Path(sys.argv[1])), ALONE):
    print("writing", flush=True)
    time.sleep(600)
"""


def test_a_second_process_is_refused_until_the_first_is_gone_even_by_a_kill(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    command = [sys.executable, "-c", WRITER, str(run.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:  # noqa: S603 - ours
        assert first.stdout is not None
        assert first.stdout.readline() == "writing\n"
        with pytest.raises(RunError, match=f"another process trains in {run.path}"), writing(run, ALONE):
            pass
        first.send_signal(signal.SIGKILL)
    with writing(run, ALONE):
        pass
    with writing(run, ALONE):  # and by the one before, which ended well
        pass


def test_processes_that_train_together_share_the_folder(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    with writing(run, World(0, 2, torch.device("cpu"))), writing(run, World(1, 2, torch.device("cpu"))):
        pass
