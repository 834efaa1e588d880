"""Whether a picture is like those that the model was trained on: if not, its score means little."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steel_defect.decision import Reason

if TYPE_CHECKING:
    from steel_defect.contract import Guard
    from steel_defect.statistics import Appearance


def reasons_against(appearance: Appearance, novelty: float | None, guard: Guard) -> tuple[Reason, ...]:
    """Why one tile cannot be passed; nothing if it is like the training pictures.

    Args:
        appearance: of the tile.
        novelty: the output of the graph for it; None if the graph has none.
        guard: the limits of the model file.
    """
    found = {
        Reason.DARK: appearance.brightest < guard.dark,
        Reason.SATURATED: appearance.saturated > guard.saturated,
        Reason.FLAT: appearance.contrast < guard.flat,
        Reason.BLURRED: appearance.sharpness is not None and appearance.sharpness < guard.blurred,
        Reason.NOISY: appearance.noise is not None and appearance.noise > guard.noisy,
        # NaN is not below anything.
        Reason.UNFAMILIAR: novelty is not None and not novelty <= guard.unfamiliar,
    }
    return tuple(reason for reason, is_so in found.items() if is_so)
