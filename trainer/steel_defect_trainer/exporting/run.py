"""A finished run as what ships: `model.onnx`, `model-int8.onnx` and `MODEL_CARD.md`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from steel_defect.contract import ContractError, ModelContract
from steel_defect_trainer.data.label_words import DEFECT
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.split import read_split
from steel_defect_trainer.errors import DataError, ExportError
from steel_defect_trainer.evaluation.evaluation_file import read_evaluation, stored_calibration
from steel_defect_trainer.evaluation.masks import MaskRule
from steel_defect_trainer.exporting.card import write_card
from steel_defect_trainer.exporting.card_run import card_of_run
from steel_defect_trainer.exporting.guard import Familiar, familiar_of_files, frame_of, write_guard
from steel_defect_trainer.exporting.int8 import write_int8
from steel_defect_trainer.exporting.mask_terms import write_mask_terms
from steel_defect_trainer.exporting.metadata import read_contract
from steel_defect_trainer.exporting.onnx_file import export
from steel_defect_trainer.exporting.parity import check_parity
from steel_defect_trainer.exporting.reference import reference_of_files, write_reference
from steel_defect_trainer.networks.deployed import deploy
from steel_defect_trainer.provenance import git_commit
from steel_defect_trainer.recipe import from_table
from steel_defect_trainer.strips import spread
from steel_defect_trainer.training.checkpoint import load_network

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect_trainer.evaluation.calibration import Calibration
    from steel_defect_trainer.exporting.card import Int8
    from steel_defect_trainer.networks.deployed import Deployed
    from steel_defect_trainer.runs.run import Run
    from steel_defect_trainer.strips import StripSet

FLOAT: Final = "model.onnx"
INT8: Final = "model-int8.onnx"
CARD: Final = "MODEL_CARD.md"
# Pictures that the ranges of the int8 file are taken from.
CALIBRATION_PICTURES: Final = 200
# Pictures that the guard is fitted to.
FAMILIAR_PICTURES: Final = 500
# Pictures on which the file is compared with the network.
PARITY_PICTURES: Final = 32


@dataclass(frozen=True)
class ExportRequest:
    """The export that a user asks for.

    Attributes:
        run: finished and evaluated.
        output: folder for the three files.
        name: of the model in a registry.
        version: of the model.
        licence: the terms of use, as the file states them.
        int8: whether to write the int8 file too.
        cache: where decoded pictures are kept.
    """

    run: Run
    output: Path
    name: str
    version: str
    licence: str
    int8: bool
    cache: Path


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        files: the model files, the float one first, and the card.
        int8: the int8 file beside the float one; None without.
    """

    files: tuple[Path, ...]
    int8: Int8 | None


def export_run(request: ExportRequest) -> Exported:
    """Write the model files and the card, and prove that the files compute what the network does.

    Raises:
        RunError, CheckpointError: the run is not finished or not evaluated.
        DataError: its pictures or its split are not where they were.
        ExportError: the calibration is invalid, or a file computes something else than the network.
        OSError: a file cannot be written.
    """
    run = request.run
    evaluation = read_evaluation(run)
    calibration = stored_calibration(run, evaluation)
    deployed = deploy(load_network(run.folder), calibration.scale, calibration.offset)
    strips, masks = _pictures(request)
    judged = "train" if run.judged_by else "test" if run.final else "validation"
    path, quantised = request.output / FLOAT, request.output / INT8
    contract = _contract(request, calibration, evaluation)
    _say(f"{path}: exporting the network of {run.folder}")
    export(deployed, contract, path)
    familiar = _familiar(run, strips, masks["train"])
    if evaluation["masks"] is not None:
        frame = frame_of(familiar.sizes)
        write_mask_terms(path, MaskRule(**evaluation["masks"]["rule"]), (frame.width, frame.height))
    parity = _parity(deployed, path, run, strips.take(_some(strips, masks[judged], PARITY_PICTURES)))
    _refer(path, run, [strips.names[index] for index in np.flatnonzero(masks[judged])], judged)
    int8 = None
    if request.int8:
        learned = strips.take(_some(strips, masks["train"], CALIBRATION_PICTURES))
        int8 = write_int8(path, quantised, learned, strips.take(masks[judged]), f"{judged} pictures")
    else:
        quantised.unlink(missing_ok=True)  # it would be of another export
    models = (path, quantised) if int8 else (path,)
    for model in models:
        # A clean network measures by itself how far a picture is from familiar ones.
        write_guard(model, familiar, contract.input, novelty=not run.learns_from_clean)
    contract = read_contract(path)
    card = request.output / CARD
    write_card(card_of_run(run, contract, models, evaluation, parity=parity, int8=int8), card)
    return Exported((*models, card), int8)


def _pictures(request: ExportRequest) -> tuple[StripSet, dict[str, NDArray[np.bool_]]]:
    """The pictures of the run, and which of them are in each part."""
    run = request.run
    folder = run.pictures
    if folder is None or not folder.is_dir():
        message = (
            f"the pictures of {run.folder} are not in {folder}, the folder in its data.json. A model file is compared "
            "with its network on real pictures, and int8 is calibrated on them: put them back"
        )
        raise DataError(message)
    dataset = open_data(folder)
    # A final model of a cross-validation has but one part.
    if run.judged_by:
        masks = {"train": np.ones(len(dataset), np.bool_)}
    else:
        masks = read_split(run.files.split, dataset, defects=not run.learns_from_clean)
    strips = load(dataset, from_table(run.recipe).input, request.cache)
    if strips.digest != run.data["digest"]:
        message = f"the pictures in {folder} are not those that {run.folder} was trained on: they changed since"
        raise DataError(message)
    return strips, masks


def _contract(request: ExportRequest, calibration: Calibration, evaluation: dict[str, Any]) -> ModelContract:
    run = request.run
    try:
        return ModelContract(
            name=request.name,
            version=request.version,
            class_names=(DEFECT,) if run.learns_from_clean else tuple(run.data["class_names"]),
            threshold=round(calibration.threshold, 4),
            review_low=calibration.review_low,
            review_high=calibration.review_high,
            training_data_digest=run.data["digest"],
            git_commit=git_commit(),
            licence=request.licence,
            input=from_table(run.recipe).input,
            metrics={"part": evaluation["part"], "pictures": evaluation["pictures"], **evaluation["metrics"]},
        )
    except ContractError as error:
        raise ExportError(str(error)) from error


def _parity(deployed: Deployed, path: Path, run: Run, strips: StripSet) -> str:
    """Compare the file with the network on the bytes of some pictures."""
    assert run.pictures is not None  # noqa: S101 - they have been read
    parity = check_parity(deployed, path, [run.pictures / name for name in strips.names])
    result = (
        f"The float file and the network differ by at most {parity:.1e} in any output on the bytes of {len(strips)} "
        "pictures."
    )
    _say(f"{path}: {result}")
    return result


def _refer(path: Path, run: Run, names: list[str], judged: str) -> None:
    """Put the reference for drift into the float file, from the judged part; the int8 file copies it."""
    assert run.pictures is not None  # noqa: S101 - they have been read
    reference = reference_of_files(path, [run.pictures / name for name in names])
    write_reference(path, reference)
    _say(f"{path}: drift will be measured from {reference.pictures} {judged} pictures")


def _familiar(run: Run, strips: StripSet, learned: NDArray[np.bool_]) -> Familiar:
    """Pictures of the training part, spread over it if it has more than are needed."""
    assert run.pictures is not None  # noqa: S101 - they have been read
    spec = from_table(run.recipe).input
    indices = np.flatnonzero(learned)
    chosen = indices[spread(len(indices), FAMILIAR_PICTURES)]
    files = [run.pictures / strips.names[index] for index in chosen]
    return familiar_of_files(files, [strips.groups[index] for index in chosen], spec)


def _some(strips: StripSet, part: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Up to `count` pictures of a part (N,), spread over it, half of them with a defect if there are as many."""
    chosen = np.zeros_like(part)
    for kind in (np.flatnonzero(part & strips.defect), np.flatnonzero(part & ~strips.defect)):
        chosen[kind[spread(len(kind), count // 2)]] = True
    return chosen


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")
