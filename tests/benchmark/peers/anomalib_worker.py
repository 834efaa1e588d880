"""Runs in anomalib's environment: makes a PaDiM, or answers with it as `worker.py` does.

    python -m tests.benchmark.peers.anomalib_worker train FOLDER OUTPUT
    python -m tests.benchmark.peers.anomalib_worker answer REPLY_FD FOLDER MODEL

It serves the way that anomalib's documentation has for a program of one's own: the exported file, by `TorchInferencer`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from anomalib.deploy import ExportType, TorchInferencer  # type: ignore[import-not-found]  # in an environment of its own

from tests.benchmark.peers.worker import answer


def train(pictures: Path, output: Path) -> None:
    """Fit PaDiM at its defaults to pictures, and write `weights/torch/model.pt` into a folder.

    Its weights are random, for they decide nothing about time, and come from nowhere.
    """
    from anomalib.data import Folder  # type: ignore[import-not-found]  # noqa: PLC0415 - who answers does not wait for it
    from anomalib.engine import Engine  # type: ignore[import-not-found]  # noqa: PLC0415 - as above
    from anomalib.models import Padim  # type: ignore[import-not-found]  # noqa: PLC0415 - as above

    data = Folder(name="steel", root=pictures, normal_dir=".", train_batch_size=8, eval_batch_size=8, num_workers=0)
    model = Padim(backbone="resnet18", pre_trained=False)
    engine = Engine(accelerator="cpu", devices=1, logger=False, default_root_dir=output)
    engine.fit(model, datamodule=data)
    engine.export(model, ExportType.TORCH, export_root=output)


def main() -> None:
    """Do as the command line says."""
    torch.set_num_threads(1)
    task, *arguments = sys.argv[1:]
    if task == "train":
        train(*map(Path, arguments))
        return
    reply_to, pictures, model = arguments
    inferencer = TorchInferencer(model, device="cpu")
    answer(inferencer.predict, int(reply_to), Path(pictures))


if __name__ == "__main__":
    main()
