"""The network: gray folding is exact, odds add up, augmentation keeps labels and pictures together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torchvision.models import mobilenet_v2  # type: ignore[import-untyped]  # torchvision ships no types

from steel_defect_trainer.networks.body import Answers, load_backbone, normalise
from steel_defect_trainer.networks.strip import StripNet, class_logits, picture_logit

if TYPE_CHECKING:
    from pathlib import Path


def test_one_gray_filter_does_what_three_colour_filters_did(tmp_path: Path) -> None:
    torch.manual_seed(0)
    colour = mobilenet_v2(weights=None)
    torch.save(colour.state_dict(), tmp_path / "backbone.pth")
    gray = StripNet()
    load_backbone(gray, tmp_path / "backbone.pth")
    image = torch.randint(0, 256, (2, 64, 96), dtype=torch.uint8)
    rgb = image.unsqueeze(1).expand(-1, 3, -1, -1).float() / 255
    rgb = (rgb - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    with torch.inference_mode():
        theirs, ours = colour.eval().features[0](rgb), gray.eval().features[0](normalise(image))
    # At the border the padding is one gray for all colours, by design.
    torch.testing.assert_close(ours[..., 1:, 1:], theirs[..., 1:, 1:], atol=1e-5, rtol=1e-5)


def test_odds_of_cells_add_up() -> None:
    cells = torch.full((1, 4, 2, 3), -50.0)
    cells[0, 1, 0, 2], cells[0, 1, 1, 1], cells[0, 3, 0, 0] = np.log(0.5), np.log(1.5), np.log(3.0)
    assert class_logits(cells).exp()[0, 1].item() == pytest.approx(2.0)
    assert class_logits(cells).exp()[0, 3].item() == pytest.approx(3.0)
    assert picture_logit(cells).exp()[0].item() == pytest.approx(5.0)


def test_unknown_cells_do_not_count_in_the_loss() -> None:
    cells = torch.zeros((1, 4, 2, 3))
    answers = Answers(picture_logit(cells), class_logits(cells), cells)
    classes = torch.zeros((1, 4))
    known = torch.zeros((1, 4, 2, 3), dtype=torch.int8)
    unknown = known.clone()
    unknown[0, 0] = -1
    network = StripNet()
    assert network.loss(answers, classes, unknown).item() < network.loss(answers, classes, known).item()
