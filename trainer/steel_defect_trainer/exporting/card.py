"""The model card as Markdown, the same for any model: from a run or from the bundle."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steel_defect_trainer.exporting.agreement import AUC_DIFFERENCE, DICE_DIFFERENCE, EQUAL_DECISIONS
from steel_defect_trainer.files import replacing
from steel_defect_trainer.reporting.markdown import table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from steel_defect.contract import ModelContract
    from steel_defect_trainer.exporting.agreement import Agreement
    from steel_defect_trainer.exporting.timing import Cost


@dataclass(frozen=True)
class DataRow:
    """Pictures of one kind that the model learned from, or was judged on.

    Attributes:
        what: they are.
        defect: how many show one.
        clean: how many do not.
        labels: what is known of them, or what they were for.
    """

    what: str
    defect: int
    clean: int
    labels: str


@dataclass(frozen=True)
class Int8:
    """The int8 file beside the float one.

    Attributes:
        agreement: of the two, on `pictures`.
        pictures: in words, which ones.
        costs: of the float file and of the int8 file.
    """

    agreement: Agreement
    pictures: str
    costs: tuple[Cost, Cost]


@dataclass(frozen=True)
class Card:
    """The content of a card. Texts are Markdown.

    Attributes:
        contract: in the file.
        files: the model files, the one that the card is about first.
        network: what it is, in a few sentences.
        use: what it is for, and what it is not for.
        data: tables of pictures.
        data_notes: their origin.
        quality: how good it is, with intervals.
        calibration: how it, threshold and band were chosen.
        band: from "pass", "review" and "reject" to how many "defect" and "clean" pictures ended there; may be empty.
        int8: the int8 file beside the float one; None if there is none.
        limits: what is not known, or is known to go wrong.
        making: how it was made.
        parity: the largest difference between the float file and the network, in words.
    """

    contract: ModelContract
    files: tuple[Path, ...]
    network: str
    use: str
    data: tuple[DataRow, ...]
    data_notes: tuple[str, ...]
    quality: str
    calibration: str
    band: Mapping[str, Mapping[str, int]]
    int8: Int8 | None
    limits: tuple[str, ...]
    making: str
    parity: str


def write_card(card: Card, path: Path) -> None:
    """Write the card, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    sections = (_head(card), _data(card), _quality(card), _int8(card), _limits(card), _making(card))
    with replacing(path) as file:
        file.write("\n\n".join(section.strip() for section in sections if section).encode() + b"\n")


def _head(card: Card) -> str:
    contract, spec = card.contract, card.contract.input
    ways = {
        "fit": "aspect kept, black where the picture does not reach",
        "stretch": "stretched, whatever the aspect",
    }
    files = [
        (f"`{path.name}`", f"{path.stat().st_size / 1e6:.2f} MB", f"`{hashlib.sha256(path.read_bytes()).hexdigest()}`")
        for path in card.files
    ]
    return f"""# {contract.name} {contract.version}

{card.network}
It reads a picture as gray, uint8, {spec.height} x {spec.width} ({ways[spec.resize]}).

{table(("file", "size", "sha256"), files, right=3)}

Licence: {contract.licence}

## Intended use

{card.use}"""


def _data(card: Card) -> str:
    rows = [(row.what, row.labels, f"{row.defect:,}", f"{row.clean:,}") for row in card.data]
    notes = (*card.data_notes, f"Digest of the pictures: `{card.contract.training_data_digest}`.")
    return f"""## Data

{table(("pictures", "", "defect", "clean"), rows, right=2)}

{_bullets(notes)}"""


def _quality(card: Card) -> str:
    contract = card.contract
    band = ""
    if card.band:
        rows = [(kind, *(f"{counts[kind]:,}" for counts in card.band.values())) for kind in ("defect", "clean")]
        band = "\n\n" + table(("", *card.band), rows)
    return f"""## How good

{card.quality}

### Calibration, threshold, review band

{card.calibration}

A picture is called a defect from **{contract.threshold:g}** on. Below **{contract.review_low:g}** it passes, from
**{contract.review_high:g}** on it is rejected, between them a person looks.{band}"""


def _int8(card: Card) -> str:
    if card.int8 is None:
        return ""
    found, (whole, small) = card.int8.agreement, card.int8.costs
    rows: list[tuple[str, ...]] = [
        ("size", f"{whole.size_bytes / 1e6:.2f} MB", f"{small.size_bytes / 1e6:.2f} MB"),
        ("a picture on one thread, least", f"{whole.least_ms:.1f} ms", f"{small.least_ms:.1f} ms"),
        ("a picture on one thread, median", f"{whole.median_ms:.1f} ms", f"{small.median_ms:.1f} ms"),
    ]
    if not math.isnan(found.roc_auc[0]):
        rows.append(("ROC-AUC", *(f"{value:.4f}" for value in found.roc_auc)))
    if not math.isnan(found.dice[0]):
        rows.append(("Dice of any damage", *(f"{value:.4f}" for value in found.dice)))
    furthest = [(f"`{name}`", f"{one:.4f}", f"{other:.4f}") for name, one, other in found.furthest]
    bounds = f"ROC-AUC within {AUC_DIFFERENCE:g}, {EQUAL_DECISIONS:.0%} of the decisions equal"
    bounds += "" if math.isnan(found.dice[0]) else f", Dice within {DICE_DIFFERENCE:g}"
    verdict = "keeps its bounds" if found.holds else "**does not keep its bounds: serve the float file**"
    return f"""## int8 against float

On {found.pictures:,} {card.int8.pictures}; the int8 file {verdict} ({bounds}).

{table(("", "float", "int8"), rows)}

- Decisions (pass, review, reject) equal on {found.equal_decisions:.1%} of the pictures, the side of the threshold on
  {found.equal_statuses:.1%}.
- `defect_prob` differs by {found.largest_difference:.3f} at most, by {found.mean_difference:.4f} on average. It differs
  most on these pictures:

{table(("picture", "float", "int8"), furthest)}

Times are of the machine that exported, measured in turn; their ratio is what counts. Weights have seven bits,
so that sums do not saturate on processors without VNNI, AMX or dot-product instructions either."""


def _limits(card: Card) -> str:
    return f"## Limits\n\n{_bullets(card.limits)}"


def _making(card: Card) -> str:
    return f"## How it was made\n\n{card.making}\n\n{card.parity}"


def _bullets(lines: tuple[str, ...]) -> str:
    return "\n".join(f"- {line}" for line in lines)
