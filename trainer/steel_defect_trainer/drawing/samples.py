"""The committed sample strips: drawn, never photographed, from a set that no model is trained on.

`python -m steel_defect_trainer.drawing.samples tests/samples` writes them.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from steel_defect_trainer.drawing.strip import draw_strip, to_jpeg

# Training draws sets 1 and 2; see steel_defect_trainer.bundling.bundle.
SAMPLE_SEED: Final = 7


@dataclass(frozen=True)
class Sample:
    """One sample: its file name, its number in the set, what is drawn."""

    name: str
    index: int
    classes: tuple[int, ...] = ()
    mark: str = ""


SAMPLES: Final = (
    Sample("clean-dark-edge.jpg", 0, mark="edge"),
    Sample("clean-water-stain.jpg", 15, mark="water"),
    Sample("pits.jpg", 20, (1,)),
    Sample("crack.jpg", 32, (2,)),
    Sample("scratch.jpg", 43, (3,)),
    Sample("scale-patch.jpg", 51, (4,)),
)


def write_samples(folder: Path) -> None:
    """Write every sample into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for sample in SAMPLES:
        strip = draw_strip(SAMPLE_SEED, sample.index, classes=sample.classes, mark=sample.mark)
        (folder / sample.name).write_bytes(to_jpeg(strip.pixels, quality=70))


def main() -> None:
    """Entry point of `python -m steel_defect_trainer.drawing.samples`."""
    parser = argparse.ArgumentParser(prog="python -m steel_defect_trainer.drawing.samples", description=__doc__)
    parser.add_argument("folder", type=Path)
    write_samples(parser.parse_args().folder)


if __name__ == "__main__":
    main()
