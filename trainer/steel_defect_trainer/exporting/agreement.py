"""How far two model files agree on the same pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect.contract import from_metadata
from steel_defect.decision import decision_index
from steel_defect_trainer.evaluation.ranking import roc_auc
from steel_defect_trainer.exporting.timing import single_threaded

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.contract import ModelContract
    from steel_defect_trainer.strips import StripSet

# What an int8 file may differ from its float one.
AUC_DIFFERENCE: Final = 0.002
EQUAL_DECISIONS: Final = 0.99
_SHOWN: Final = 3


@dataclass(frozen=True)
class Agreement:
    """Two files on the same pictures; the first is the one that the second stands in for.

    Attributes:
        pictures: how many.
        roc_auc: of each file; NaN if all pictures are of one kind.
        largest_difference: in `defect_prob`, over all pictures.
        mean_difference: the mean of its absolute value.
        equal_decisions: share of pictures that both pass, both review, or both reject.
        equal_statuses: share of pictures that both put on the same side of the threshold.
        furthest: name and both probabilities of the pictures that differ most, the worst first.
    """

    pictures: int
    roc_auc: tuple[float, float]
    largest_difference: float
    mean_difference: float
    equal_decisions: float
    equal_statuses: float
    furthest: tuple[tuple[str, float, float], ...]

    @property
    def holds(self) -> bool:
        """Whether the second file can stand in for the first: `AUC_DIFFERENCE` and `EQUAL_DECISIONS` are kept."""
        difference = abs(self.roc_auc[1] - self.roc_auc[0])
        return not difference > AUC_DIFFERENCE and self.equal_decisions >= EQUAL_DECISIONS


def compare(one: Path, other: Path, strips: StripSet) -> Agreement:
    """Score the same pictures with both files, and decide by the contract of the first."""
    contract, first = _scored(one, strips.pixels)
    _, second = _scored(other, strips.pixels)
    bounds = (contract.review_low, contract.review_high)
    same_decision = decision_index(first, *bounds) == decision_index(second, *bounds)
    same_status = (first >= contract.threshold) == (second >= contract.threshold)
    differences = np.abs(first - second)
    worst = np.argsort(-differences, kind="stable")[:_SHOWN]
    return Agreement(
        pictures=len(strips),
        roc_auc=(roc_auc(first, strips.defect), roc_auc(second, strips.defect)),
        largest_difference=float(differences.max()),
        mean_difference=float(differences.mean()),
        equal_decisions=float(same_decision.mean()),
        equal_statuses=float(same_status.mean()),
        furthest=tuple((strips.names[index], float(first[index]), float(second[index])) for index in worst),
    )


def _scored(path: Path, pixels: NDArray[np.uint8]) -> tuple[ModelContract, NDArray[np.float32]]:
    session = single_threaded(path)
    contract = from_metadata(session.get_modelmeta().custom_metadata_map)
    scores = [session.run(["defect_prob"], {"image": np.asarray(picture)[None]})[0] for picture in pixels]
    return contract, np.concatenate(scores)
