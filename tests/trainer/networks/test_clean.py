"""The clean network: distances to what it remembers, and an export that says the same."""

from __future__ import annotations

import pytest
import torch

from steel_defect_trainer.networks.clean import MEMORY, CleanNet, cells_of, whole
from steel_defect_trainer.networks.deployed import DeployedCleanNet
from tests.trainer.small import woken


@pytest.fixture
def network() -> CleanNet:
    torch.manual_seed(0)
    made = CleanNet()
    woken(made.features)
    with torch.inference_mode():
        seen = cells_of(made.features, _pictures(40, seed=0)).flatten(0, 2)
        made.head.mean.copy_(seen.mean(dim=0))
        made.head.deviation.copy_(seen.std(dim=0).clamp(min=1e-3))
        made.head.known.copy_(made.head.standard(seen).repeat(2, 1)[:MEMORY])
        made.head.centre.fill_(2.0)
        made.head.spread.fill_(0.5)
    return made


def _pictures(count: int, seed: int) -> torch.Tensor:
    return torch.randint(1, 256, (count, 64, 96), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def test_a_cell_is_as_far_as_the_nearest_that_is_remembered(network: CleanNet) -> None:
    with torch.inference_mode():
        cells = cells_of(network.features, _pictures(2, seed=1))
        found = network.head.distances(cells)
        each = torch.cdist(network.head.standard(cells).flatten(0, 2), network.head.known)
        assert (network.head.distances(cells_of(network.features, _pictures(40, seed=0)))[0] < 0.15).all()
    assert cells.shape == (2, 4, 6, 128)
    torch.testing.assert_close(found.flatten(), each.amin(dim=1), atol=1e-3, rtol=1e-4)


def test_the_farthest_hundredth_of_the_cells_makes_the_picture() -> None:
    distances = torch.ones(1, 20, 20)
    distances[0, 3, 4:8] = torch.tensor([5.0, 6.0, 7.0, 8.0])
    assert float(whole(distances)) == 6.5
    assert float(whole(distances[:, :4, :4] * 3)) == 3  # of few cells, one


def test_what_is_exported_says_the_same_calibrated_and_leaves_out_what_it_does_not_read(network: CleanNet) -> None:
    deployed = DeployedCleanNet(network, 0.7, -0.4)
    with torch.inference_mode():
        answers, (defect, cells) = network(_pictures(2, seed=1)), deployed(_pictures(2, seed=1))
    torch.testing.assert_close(defect, torch.sigmoid(0.7 * answers.defect - 0.4), atol=1e-5, rtol=1e-4)
    assert answers.places.shape == (2, 1, 4, 6)
    assert cells.shape == (2, 1, 2, 3)
    expected = torch.sigmoid(0.7 * answers.places[1, 0, 2:, 4:].max() - 0.4)
    torch.testing.assert_close(cells[1, 0, 1, 2], expected, atol=1e-5, rtol=1e-4)
    assert len(deployed.features) == 14
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in deployed.modules())


def test_black_where_clean_pictures_show_none_is_far(network: CleanNet) -> None:
    picture = _pictures(2, seed=1)
    picture[1, 16:48, 32:64] = 0
    with torch.inference_mode():
        sound, holed = network(picture).defect
    assert holed > sound + 0.2
