"""One page of a picture, scored: its tiles go through the model, and what they say is put together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect.defects import Defects, defects_of, runs_along_x
from steel_defect.guard import reasons_against
from steel_defect.joined_map import JoinedMap
from steel_defect.masks import mask_of
from steel_defect.statistics import DARK, appearance_of, histogram, statistics_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from steel_defect.camera import Camera
    from steel_defect.contract import InputSpec, ModelContract
    from steel_defect.decision import Reason
    from steel_defect.masks import Mask
    from steel_defect.pictures.views import View
    from steel_defect.statistics import Statistics

    Predict = Callable[[NDArray[np.uint8]], dict[str, NDArray[np.float32]]]

# A page of several tiles that would pass, but not by half, is looked at again: a defect that lies otherwise in a tile
# may look like another one. So many tiles at most, moved by this share of a tile.
_AGAIN: Final = 4
_MOVED: Final = 0.25
# Of several tiles, one with more dark pixels than this share
# shows what is beside the strip, unless it is between others.
_BESIDE: Final = 0.995


@dataclass(frozen=True)
class ScoredPage:
    """What a model says of one page; see `prediction.Prediction`, which is put together from all of them.

    Attributes:
        index: from 0.
        tiles: how many were scored.
        probability: the highest of a tile; so are `classes` and `novelty`.
    """

    index: int
    view: View
    tiles: int
    probability: float
    reasons: tuple[Reason, ...]
    classes: NDArray[np.float32] | None
    defect_map: NDArray[np.float32] | None
    mask: Mask | None
    defects: Defects
    novelty: float | None
    statistics: Statistics


def score_page(view: View, index: int, contract: ModelContract, camera: Camera, predict: Predict) -> ScoredPage:
    """Score the tiles of one page; what the worst of them says counts.

    Args:
        view: of the page.
        index: of the page, from 0.
        contract: of the model.
        camera: what is known of it.
        predict: every output of the model by name, for inputs uint8 (N, height, width).
    """
    spec, plan = contract.input, view.framing
    counts = histogram(view.canvas)
    tiles = list(view.tiles(spec))
    grays = [counts] if len(tiles) == 1 else [histogram(tile) for tile in tiles]
    lit = _to_score(plan.tiles, [bool(one[:DARK].sum() <= _BESIDE * one.sum()) for one in grays])
    maps = {name: JoinedMap(plan, spec) for name in ("defect_map", "mask_prob")}
    single: dict[str, list[NDArray[np.float32]]] = {"defect_prob": [], "class_prob": [], "novelty": []}
    for number in lit:
        outputs = _scored(tiles[number], spec, predict)
        for name in maps.keys() & outputs.keys():
            maps[name].add(number, outputs[name][0])
        for name, values in single.items():
            values.extend(outputs.get(name, ()))
    reasons = dict.fromkeys(plan.reasons)
    if contract.guard is not None:
        seen = [appearance_of(tiles[number], grays[number]) for number in lit]
        far = map(float, single["novelty"]) if single["novelty"] else repeat(None)
        for one in map(reasons_against, seen, far, repeat(contract.guard)):
            reasons |= dict.fromkeys(one)
    if len(tiles) > 1 and max(single["defect_prob"]) < contract.review_low:
        moved = _moved(view, [lit[place] for place in _in_doubt(single["defect_prob"], contract.review_low)], spec)
        for tile in moved:
            outputs = _scored(tile, spec, predict)
            single["defect_prob"].extend(outputs["defect_prob"])
            single["class_prob"].extend(outputs.get("class_prob", ()))
    probability = float(np.max(single["defect_prob"]))
    mask, defects = mask_of(maps["mask_prob"], view, contract), Defects()
    # What passes shows no damage: the picture as a whole decides, and masks say where.
    if mask is not None and probability < contract.review_low:
        mask = mask.without_damage()
    elif mask is not None:
        along_x = runs_along_x(plan.turned, spec, camera)
        names, mm_per_pixel = contract.class_names, camera.mm_per_pixel
        defects = defects_of(mask, names, page=index + 1, along_x=along_x, mm_per_pixel=mm_per_pixel)
    return ScoredPage(
        index=index,
        view=view,
        tiles=len(lit),
        probability=probability,
        reasons=tuple(reasons),
        classes=np.max(single["class_prob"], axis=0) if single["class_prob"] else None,
        defect_map=maps["defect_map"].on_page(),
        mask=mask,
        defects=defects,
        novelty=float(np.max(single["novelty"])) if single["novelty"] else None,
        statistics=statistics_of(counts),
    )


def _in_doubt(probabilities: Sequence[NDArray[np.float32]], review_low: float) -> list[int]:
    """Places of the likeliest tiles, those with at least half of what a review begins at."""
    likeliest = sorted(range(len(probabilities)), key=lambda place: -float(probabilities[place]))
    return [place for place in likeliest[:_AGAIN] if float(probabilities[place]) >= review_low / 2]


def _moved(view: View, numbers: Sequence[int], spec: InputSpec) -> list[NDArray[np.uint8]]:
    """These tiles once more, moved either way along the page and across it as far as it reaches."""
    sides, lengths = (spec.height, spec.width), view.canvas.shape
    starts: dict[tuple[int, ...], None] = {}
    for number in numbers:
        for axis in (0, 1):
            for way in (-_MOVED, _MOVED):
                start = list(view.framing.tiles[number])
                start[axis] = min(max(0, start[axis] + round(way * sides[axis])), max(0, lengths[axis] - sides[axis]))
                starts[tuple(start)] = None
    new = [start for start in starts if start not in view.framing.tiles]
    return [view.canvas[row : row + spec.height, column : column + spec.width] for row, column in new]


def _to_score(starts: Sequence[tuple[int, int]], lit: Sequence[bool]) -> list[int]:
    """Numbers of the tiles to score: lit ones, and dark ones between them, where strip should be seen.

    Args:
        starts: row and column of each tile.
        lit: whether there is light on each.
    """
    lit_starts = [start for start, is_lit in zip(starts, lit, strict=True) if is_lit]

    def is_between(start: tuple[int, int], axis: int) -> bool:
        others = [one[axis] for one in lit_starts if one[1 - axis] == start[1 - axis]]
        return bool(others) and min(others) < start[axis] < max(others)

    chosen = [
        number for number, start in enumerate(starts) if lit[number] or is_between(start, 0) or is_between(start, 1)
    ]
    return chosen or [0]


def _scored(tile: NDArray[np.uint8], spec: InputSpec, predict: Predict) -> dict[str, NDArray[np.float32]]:
    """Every output for one tile, of any size up to the model's input. Four at once take a tenth longer than in turn."""
    pixels = np.full((1, spec.height, spec.width), spec.pad, np.uint8)
    pixels[0, : tile.shape[0], : tile.shape[1]] = tile
    return predict(pixels)
