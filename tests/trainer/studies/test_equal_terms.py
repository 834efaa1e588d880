"""Two recipes on equal terms: each gets the steps that fit into its time, and only like is compared with like."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torchvision.models import mobilenet_v2  # type: ignore[import-untyped]  # torchvision ships no types

from steel_defect_trainer.data.load import load
from steel_defect_trainer.data.loose import open_agreed_pictures
from steel_defect_trainer.networks.factory import build_network
from steel_defect_trainer.recipe import read_recipe
from steel_defect_trainer.studies import equal_terms, segmentation, sizes
from steel_defect_trainer.studies.report import markdown, summarise
from steel_defect_trainer.training.checkpoint import write_checkpoint
from steel_defect_trainer.training.predict import predict
from tests.conftest import REPOSITORY
from tests.trainer.small import ALONE

if TYPE_CHECKING:
    from pathlib import Path


def test_a_contender_is_trained_for_its_time_and_scores_the_pictures_that_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(equal_terms, "DRAWN", {"train": (10, 51), "test": (8, 52)})
    monkeypatch.setitem(equal_terms.MINUTES, "drawn", 0.02)
    monkeypatch.setitem(equal_terms.CONTENDERS["strip"], "drawn", ("input.height=64", "input.width=416"))
    torch.save(mobilenet_v2(weights=None).state_dict(), tmp_path / "backbone.pth")
    folders = equal_terms.Folders(tmp_path, tmp_path, tmp_path / "backbone.pth", tmp_path / "work")
    result = equal_terms.run("drawn", "strip", 1, folders, ALONE)
    assert len(result["scores"]) == len(result["names"]) == len(result["truth"]) == 8
    assert all(name.startswith("train_images/synthetic-52-") for name in result["names"])
    assert result["pictures_seen"] == 16 * result["steps"] > 0
    assert result["cpu_seconds"] > 0
    assert (tmp_path / "work" / "drawn" / "strip-1" / "best.pt").exists()


def test_networks_of_a_finished_run_are_asked_about_other_pictures(severstal: Path, tmp_path: Path) -> None:
    recipe = read_recipe("strip")
    strips = load(open_agreed_pictures(severstal), recipe.input, tmp_path / "cache")
    logits = []
    for part in range(1, 6):
        network = build_network(recipe, 4)
        torch.nn.init.constant_(network.state_dict()["head.bias"], part)
        logits.append(predict(network, strips, ALONE).defect_logits)
        folder = tmp_path / "real" / "strip-2" / f"part-{part}"
        folder.mkdir(parents=True)
        write_checkpoint(folder / "best.pt", {"network": network.state_dict()})
    folders = equal_terms.Folders(severstal, tmp_path, None, tmp_path)
    result = equal_terms.ask_others("strip", 2, folders, ALONE)
    assert result["names"] == result["groups"] == strips.names
    assert len(strips) == 26
    assert result["scores"] == pytest.approx(np.mean(logits, axis=0).tolist(), abs=1e-4)
    (folder / "best.pt").unlink()
    with pytest.raises(FileNotFoundError):
        equal_terms.ask_others("strip", 2, folders, ALONE)


def _result(name: str, recipe: str, seed: int, scores: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    count = len(truth)
    return {
        "set": name,
        "recipe": recipe,
        "seed": seed,
        "steps": 10,
        "cpu_seconds": 60.0,
        "names": [str(place) for place in range(count)],
        "groups": [str(place // 2) for place in range(count)],
        "parts": [0] * count,
        "truth": truth.tolist(),
        "scores": scores.tolist(),
    }


def test_the_table_has_both_recipes_over_their_seeds_and_their_paired_difference() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(200) < 0.5
    results = [
        _result("drawn", recipe, seed, strength * truth + rng.normal(0, 1, 200), truth)
        for recipe, strength in (("strip", 3.0), ("e1-15b", 1.0))
        for seed in range(3)
    ]
    summary = summarise(results)
    found = summary["drawn"]
    assert (found["pictures"], found["defects"], found["seeds"]) == (200, int(truth.sum()), 3)
    assert found["roc_auc"]["strip"]["value"] > 0.95 > found["roc_auc"]["e1-15b"]["value"]
    assert found["difference"]["low"] > 0.1
    assert found["difference"]["value"] == pytest.approx(
        found["roc_auc"]["strip"]["value"] - found["roc_auc"]["e1-15b"]["value"], abs=2e-4
    )
    assert "| drawn strips, faint damage | 200 |" in markdown(summary)
    assert "+0." in markdown(summary)


def test_runs_that_judged_other_pictures_are_not_compared() -> None:
    truth = np.array([True, False] * 10)
    one = _result("drawn", "strip", 0, np.arange(20.0), truth)
    other = _result("drawn", "e1-15b", 0, np.arange(20.0), ~truth)
    with pytest.raises(ValueError, match="not judged on the same pictures"):
        summarise([one, other])


def test_the_readme_says_what_the_studies_found() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    results = REPOSITORY / "trainer" / "steel_defect_trainer" / "studies" / "results"
    assert markdown(json.loads((results / "equal-terms.json").read_text(encoding="utf-8"))["sets"]) in readme
    assert sizes.markdown(json.loads((results / "sizes.json").read_text(encoding="utf-8"))["sizes"]) in readme
    assert segmentation.markdown(json.loads((results / "segmentation.json").read_text(encoding="utf-8"))) in readme
