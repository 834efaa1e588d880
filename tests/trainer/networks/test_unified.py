"""The unified network: padding counts nowhere, unknown things teach nothing, and the export says what was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from steel_defect_trainer.networks.body import Answers
from steel_defect_trainer.networks.deployed import DeployedUnifiedNet
from steel_defect_trainer.networks.mask_loss import known_cross_entropy, mask_loss
from steel_defect_trainer.networks.unified import UnifiedNet, likeliest, statistics_of

if TYPE_CHECKING:
    from torch import Tensor


@pytest.fixture
def network() -> UnifiedNet:
    torch.manual_seed(0)
    made = UnifiedNet(3)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # random weights alone leave all features at about 0
            torch.nn.init.normal_(module.bias, 0.5, 0.5)
    torch.nn.init.normal_(made.head.whole.weight, std=0.02)
    torch.nn.init.normal_(made.head.pyramid.masks.weight, std=0.3)
    return made.eval()


def _pictures() -> Tensor:
    return torch.randint(1, 256, (2, 64, 96), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def test_answers_have_the_shapes_that_are_promised(network: UnifiedNet) -> None:
    with torch.inference_mode():
        answers = network(_pictures())
    assert answers.defect.shape == (2,)
    assert answers.classes.shape == (2, 3)
    assert answers.places.shape == (2, 3, 16, 24)


def test_what_is_exported_says_the_same_calibrated(network: UnifiedNet) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    deployed = DeployedUnifiedNet(network, 0.7, -0.4)
    with torch.inference_mode():
        answers, (defect, classes, cells, masks) = network(_pictures()), deployed(_pictures())
    assert answers.places.std() > 0.1
    torch.testing.assert_close(defect, torch.sigmoid(0.7 * answers.defect - 0.4), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(classes, torch.sigmoid(0.7 * answers.classes - 0.4), atol=1e-5, rtol=1e-4)
    expected = likeliest(torch.sigmoid(answers.places), answers.classes)
    torch.testing.assert_close(masks, expected, atol=1e-5, rtol=1e-4)
    assert cells.shape == (2, 3, 2, 3)
    assert cells[1, 2, 1, 0] == masks[1, 2, 8:, :8].max()
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in deployed.modules())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_padding_counts_in_no_statistic() -> None:
    torch.manual_seed(0)
    features, padded = torch.rand(1, 1280, 2, 3), torch.full((1, 1280, 4, 5), 5.0)
    padded[:, :, :2, :3] = features
    image = torch.full((1, 64, 96), 90, dtype=torch.uint8)
    canvas = torch.zeros((1, 128, 160), dtype=torch.uint8)
    canvas[:, :64, :96] = image
    torch.testing.assert_close(statistics_of(padded, canvas), statistics_of(features, image))


def test_a_black_picture_is_taken_whole() -> None:
    features = torch.rand(1, 1280, 2, 3)
    found = statistics_of(features, torch.zeros((1, 64, 96), dtype=torch.uint8))
    torch.testing.assert_close(found[:, :1280], features.mean(dim=(2, 3)))
    torch.testing.assert_close(found[:, 1280:], features.amax(dim=(2, 3)))


def test_what_is_unknown_teaches_nothing() -> None:
    logits, truth = torch.tensor([2.0, -1.0, 3.0]), torch.tensor([1.0, 0.0, -1.0])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits[:2], truth[:2])
    torch.testing.assert_close(known_cross_entropy(logits, truth), expected)
    assert known_cross_entropy(logits, torch.full((3,), -1.0)).item() == 0
    masks = torch.zeros((1, 2, 4, 4), dtype=torch.int8)
    masks[0, 0, :2], masks[0, 1, 3] = 100, -1
    right = torch.where(masks == 100, 9.0, -9.0)
    wrong_where_unknown = torch.where(masks == -1, 9.0, right)
    assert mask_loss(right, masks).item() == pytest.approx(mask_loss(wrong_where_unknown, masks).item(), abs=1e-6)
    wrong_where_known = right.clone()
    wrong_where_known[0, 1, 0] = 9.0
    assert mask_loss(wrong_where_known, masks) > mask_loss(right, masks) + 0.5


def test_right_masks_cost_nearly_nothing_and_empty_ones_much() -> None:
    masks = torch.zeros((2, 2, 8, 8), dtype=torch.int8)
    masks[0, 1, 2:6, 2:6] = 100
    right = torch.where(masks == 100, 12.0, -12.0)
    assert mask_loss(right, masks).item() < 0.01
    assert mask_loss(torch.full((2, 2, 8, 8), -12.0), masks).item() > 2


def test_a_picture_is_learned_from_its_classes_as_far_as_they_are_known() -> None:
    network, places = UnifiedNet(2), torch.zeros((1, 2, 4, 4), dtype=torch.int8)

    def cost(defect: float, *classes: float) -> float:
        answers = Answers(
            torch.tensor([defect], dtype=torch.float32), torch.zeros((1, 2)), torch.full((1, 2, 4, 4), -9.0)
        )
        return network.loss(answers, torch.tensor([classes], dtype=torch.float32), places).item()

    assert cost(5.0, 1, -1) < cost(-5.0, 1, -1) - 4  # one class is surely there, so it is damaged
    assert cost(-5.0, 0, 0) < cost(5.0, 0, 0) - 4
    assert cost(5.0, 0, -1) == cost(-5.0, 0, -1)  # who knows
    assert cost(5.0, -1, -1) == cost(-5.0, -1, -1)


def test_a_field_stands_in_the_mask_of_its_likeliest_class_with_the_most_it_shows() -> None:
    masks = torch.tensor([[[[0.9, 0.2]], [[0.6, 0.1]]]])
    # By what the picture shows the second class is sure, and the first nearly out of the question.
    found = likeliest(masks, torch.tensor([[-1.0, 9.0]]))
    torch.testing.assert_close(found, torch.tensor([[[[0.0, 0.0]], [[0.9, 0.2]]]]))
    torch.testing.assert_close(likeliest(masks, torch.zeros(1, 2)), torch.tensor([[[[0.9, 0.2]], [[0.0, 0.0]]]]))


def test_a_field_of_two_classes_alike_stands_in_one_mask() -> None:
    found = likeliest(torch.full((1, 3, 2, 2), 0.4), torch.zeros(1, 3))
    assert (found > 0).sum(dim=1).eq(1).all()
