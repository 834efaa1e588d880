"""A threshold and a review band that a deployment states itself, in place of those in its model files."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from steel_defect.contract import ContractError

if TYPE_CHECKING:
    from steel_defect.contract import ModelContract


class OverrideError(ValueError):
    """The values contradict each other, or those of the model that they are to be joined with."""


@dataclass(frozen=True)
class Override:
    """What is stated; None leaves a value to the model file. Probabilities are calibrated, in 0..1."""

    review_low: float | None = None
    threshold: float | None = None
    review_high: float | None = None

    def __post_init__(self) -> None:
        """Refuse values that no model's own could be joined with."""
        rising = [value for value in (self.review_low, self.threshold, self.review_high) if value is not None]
        if rising != sorted(rising) or not all(0 <= value <= 1 for value in rising):
            message = f"expected 0 <= REVIEW_LOW <= THRESHOLD <= REVIEW_HIGH <= 1, got {self._stated()}"
            raise OverrideError(message)

    def __bool__(self) -> bool:
        """Whether anything is stated."""
        return bool(self._values())

    def apply(self, contract: ModelContract) -> ModelContract:
        """The contract with the stated values.

        Raises:
            OverrideError: they do not fit those that are left to the model; says which to set as well.
        """
        try:
            return replace(contract, **self._values())
        except ContractError as error:
            left = [name for name, value in asdict(self).items() if value is None]
            own = ", ".join(f"{name.upper()}={getattr(contract, name):g}" for name in left)
            message = (
                f"the settings {self._stated()} do not fit {own} of the model {contract.name} {contract.version}: "
                f"set {' and '.join(name.upper() for name in left)} as well, so that 0 <= REVIEW_LOW <= THRESHOLD <= "
                "REVIEW_HIGH <= 1, or leave all three to the model"
            )
            raise OverrideError(message) from error

    def _values(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    def _stated(self) -> str:
        return ", ".join(f"{name.upper()}={value:g}" for name, value in self._values().items())
