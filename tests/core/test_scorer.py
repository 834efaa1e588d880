"""One session, many threads, any batch: the same answers; and a model file that breaks the contract never loads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from PIL import Image

from steel_defect.contract import (
    ContractError,
    Distribution,
    ModelContract,
    Reference,
    to_metadata,
)
from steel_defect.decision import Decision, decision_index
from steel_defect.errors import ModelUnavailable
from steel_defect.scorer import Scorer
from steel_defect.settings import BUNDLED_MODEL
from tests.pictures import encoded, gradient, gray, strip_jpeg
from tests.probe_model import CONTRACT, MASKED, probe_model

if TYPE_CHECKING:
    from pathlib import Path


def shade(value: int, width: int = 1600, height: int = 256) -> bytes:
    return encoded(Image.new("L", (width, height), value))


@pytest.mark.parametrize(
    ("value", "status", "decision"),
    [(0, 0, Decision.PASS), (63, 0, Decision.PASS), (64, 0, Decision.REVIEW), (127, 0, Decision.REVIEW),
     (128, 1, Decision.REVIEW), (191, 1, Decision.REVIEW), (192, 1, Decision.REJECT), (255, 1, Decision.REJECT)],
)  # fmt: skip
def test_threshold_and_band_come_from_the_file(probe: Scorer, value: int, status: int, decision: Decision) -> None:
    prediction = probe.score(shade(value))
    assert prediction.defect_prob == pytest.approx(value / 255, abs=1e-5)
    assert (prediction.defect_status, prediction.decision) == (status, decision)


def test_a_probability_on_the_line_belongs_to_the_harder_side(probe: Scorer) -> None:
    exact = probe.score(shade(128)).defect_prob
    scorer = Scorer(probe_model(replace(CONTRACT, threshold=exact, review_low=exact, review_high=exact)))
    prediction = scorer.score(shade(128))
    assert prediction.defect_prob == exact
    assert (prediction.defect_status, prediction.decision) == (1, Decision.REJECT)


def test_a_batch_answers_as_its_pictures_one_by_one(probe: Scorer) -> None:
    batch = np.stack([np.full((128, 800), value, np.uint8) for value in (10, 100, 250)])
    assert probe.predict(batch)["defect_prob"] == pytest.approx([10 / 255, 100 / 255, 250 / 255], abs=1e-5)


def test_the_rule_is_the_same_for_one_probability_and_for_many() -> None:
    low, high = 0.25, 0.75
    probabilities = np.array([0, np.nextafter(low, 0), low, 0.5, np.nextafter(high, 0), high, 1])
    expected = [Decision.PASS] * 2 + [Decision.REVIEW] * 3 + [Decision.REJECT] * 2
    assert [tuple(Decision)[index] for index in decision_index(probabilities, low, high)] == expected
    contract = replace(CONTRACT, review_low=low, threshold=0.5, review_high=high)
    assert [contract.decide(float(probability)) for probability in probabilities] == expected
    # Without a band to review, the threshold decides.
    assert replace(contract, review_low=0.5, review_high=0.5).decide(0.5) == Decision.REJECT


def test_many_threads_share_one_scorer(probe: Scorer) -> None:
    values = [value % 256 for value in range(400)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda value: probe.score(shade(value)).defect_prob, values))
    assert found == pytest.approx([value / 255 for value in values], abs=1e-5)


def test_the_map_covers_the_picture_and_not_its_padding(probe: Scorer) -> None:
    whole = probe.score(encoded(gray(gradient()))).defect_map
    assert whole is not None
    assert whole.shape == (2, 4, 25)
    assert whole[0, 0, 0] < 0.05
    assert whole[0, 0, 24] > 0.9
    square = probe.score(shade(100, 256, 256)).defect_map
    assert square is not None
    assert square.shape == (2, 4, 4)
    assert square == pytest.approx(100 / 255, abs=1e-5)


def test_class_probabilities_have_the_names_of_the_file(probe: Scorer) -> None:
    assert list(probe.score(shade(51)).class_prob) == ["left", "right"]


def test_not_a_model_file() -> None:
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        Scorer(b"not a model")


def test_missing_model_file(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"missing\.onnx cannot be read: No such file"):
        Scorer(tmp_path / "missing.onnx")


@pytest.mark.parametrize("key", list(to_metadata(CONTRACT)))
def test_missing_metadata(key: str) -> None:
    metadata = {name: value for name, value in to_metadata(CONTRACT).items() if name != key}
    with pytest.raises(ModelUnavailable, match=key):
        Scorer(probe_model(metadata=metadata))


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("schema_version", "3", "schema version 3"),
        ("threshold", "not json", "cannot be read"),
        ("threshold", "0.9", "review_low <= threshold"),
        ("input", '{"height": 128, "colour": true}', "cannot be read"),
        ("input", "[]", "cannot be read"),
        ("class_names", "4", "cannot be read"),
        ("reference", "4", "reference cannot be read"),
        (
            "reference",
            '{"pictures": 9, "statistics": {"mean": {"edges": [2, 1], "shares": [0.5, 0.3, 0.2]}}}',
            "rising",
        ),
        ("reference", '{"pictures": 9, "statistics": {"mean": {"edges": [1], "shares": [0.5, 0.4]}}}', "sum of 1"),
        ("reference", '{"pictures": 9, "statistics": {"mean": {"edges": [1], "shares": [1]}}}', "one share more"),
        ("masks", "4", "cannot be read"),
        ("masks", '{"threshold": [0.5, 0.5]}', "cannot be read"),
        ("masks", '{"threshold": [0.5], "least_area": [0]}', "not of the classes left, right"),
        ("masks", '{"threshold": [0, 0.5], "least_area": [0, 0]}', "masks cannot be"),
    ],
)
def test_metadata_that_cannot_be_meant(key: str, value: str, complaint: str) -> None:
    with pytest.raises(ModelUnavailable, match=complaint):
        Scorer(probe_model(metadata={**to_metadata(CONTRACT), key: value}))


def test_the_reference_comes_from_the_file_and_may_be_missing(probe: Scorer) -> None:
    assert probe.contract.reference is None
    reference = Reference(200, {"mean": Distribution((10.0, 20.0), (0.25, 0.25, 0.5))})
    assert Scorer(probe_model(replace(CONTRACT, reference=reference))).contract.reference == reference


def test_what_is_said_of_masks_comes_from_the_file_and_may_be_missing(probe: Scorer) -> None:
    assert probe.contract.masks is None
    assert Scorer(probe_model(MASKED, masks=True)).contract.masks == MASKED.masks


def test_a_graph_of_another_input_size_than_its_metadata_says() -> None:
    wrong = replace(CONTRACT, input=replace(CONTRACT.input, height=256))
    with pytest.raises(ModelUnavailable, match="256"):
        Scorer(probe_model(metadata=to_metadata(wrong)))


def test_a_graph_without_the_probability() -> None:
    model = onnx.load_from_string(probe_model())
    del model.graph.output[0]
    with pytest.raises(ModelUnavailable, match="defect_prob"):
        Scorer(model.SerializeToString())


@pytest.mark.parametrize("band", [(0.6, 0.5, 0.7), (0.1, 0.5, 0.4), (-0.1, 0.5, 0.6), (0.1, 0.5, 1.1)])
def test_a_band_that_cannot_be_meant(band: tuple[float, float, float]) -> None:
    low, threshold, high = band
    with pytest.raises(ContractError):
        replace(CONTRACT, review_low=low, threshold=threshold, review_high=high)


def test_a_way_of_scaling_that_is_not_known() -> None:
    with pytest.raises(ContractError, match="crop"):
        replace(CONTRACT.input, resize="crop")


def test_the_bundled_model_states_everything() -> None:
    scorer = Scorer(BUNDLED_MODEL)
    contract: ModelContract = scorer.contract
    assert (contract.input.height, contract.input.width) == (128, 800)
    assert len(contract.class_names) == 4
    assert contract.training_data_digest
    assert contract.licence
    prediction = scorer.score(strip_jpeg())
    assert 0 < prediction.defect_prob < 1
    assert prediction.defect_map is not None
    assert prediction.defect_map.shape == (4, 4, 25)
