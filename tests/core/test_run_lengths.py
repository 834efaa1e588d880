"""Masks as text say what regions say, in an answer whose size is bounded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from jsonschema import Draft202012Validator

import steel_defect
from steel_defect.answer import answer, describe
from steel_defect.api import Api
from steel_defect.contract import InputSpec, MaskTerms
from steel_defect.run_lengths import decode, encode, pixels_in
from steel_defect.scorer import Scorer
from tests.pictures import encoded, gray
from tests.probe_model import MASKED, probe_model
from tests.requests_table import predict

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCHEMAS = json.loads((Path(steel_defect.__file__).parent / "openapi.json").read_text(encoding="utf-8"))["components"]
LAMBDA_BYTES = 6 * 2**20


@pytest.fixture(scope="module")
def masked() -> Scorer:
    return Scorer(probe_model(MASKED, masks=True))


def check(content: object, schema: str) -> None:
    Draft202012Validator({"components": SCHEMAS, "$ref": f"#/components/schemas/{schema}"}).validate(content)


def answered(scorer: Scorer, pixels: NDArray[np.uint8]) -> dict[str, Any]:
    content = answer(scorer.score(encoded(gray(pixels))), scorer, with_masks=True)
    check(content, "Answer")
    return content


def test_runs_are_kaggle_s() -> None:
    cells = np.array([[0, 1, 0], [1, 1, 0], [1, 0, 1]], np.bool_)
    assert encode(cells) == "2 4 9 1"
    assert encode(np.zeros((2, 2), np.bool_)) == ""


@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_runs_can_be_read_again(cells: NDArray[np.bool_]) -> None:
    assert np.array_equal(decode(encode(cells), *cells.shape), cells)


@pytest.mark.parametrize("runs", ["1", "0 2", "3 0", "8 3", "a 2"])
def test_what_are_no_runs(runs: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(runs, 3, 3)


@pytest.mark.parametrize("way", ["as it is", "standing", "in a square", "in tiles", "no whole cells"])
def test_pixels_are_those_that_were_damaged(masked: Scorer, way: str) -> None:
    width, height = {"in tiles": (4800, 512), "no whole cells": (3205, 253)}.get(way, (1600, 256))
    pixels = np.full((height, width), 120, np.uint8)
    pixels[40:120, 400:800] = pixels[120:160, 400:440] = 230
    pixels[200:240, 1200:1400] = 4
    if way == "in a square":
        pixels = np.pad(pixels, ((672, 672), (0, 0)))
    if way in {"standing", "no whole cells"}:
        pixels = np.ascontiguousarray(np.rot90(pixels, -1))
    found = answered(masked, pixels)
    masks = found["masks"]
    left, right = (pixels_in(decode(runs, masks["rows"], masks["columns"]), found) for runs in masks["runs"])
    content = found["view"]["content"]
    scored = np.zeros_like(left)
    scored[content["y"] : content["y"] + content["height"], content["x"] : content["x"] + content["width"]] = True
    if way == "no whole cells":  # Cells at the borders of the damage have something of both.
        assert np.mean(left != (pixels > 200)) < 0.005
        assert np.mean(right != (pixels < 20)) < 0.01
        return
    assert np.array_equal(left, pixels > 200)
    assert np.array_equal(right, (pixels < 20) & scored)


def test_a_padding_of_part_of_a_cell_is_at_the_left_of_a_turned_picture(masked: Scorer) -> None:
    found = answered(masked, np.full((3205, 253), 120, np.uint8))
    assert found["masks"]["x"] < 0
    assert found["masks"]["x"] + found["masks"]["columns"] * found["masks"]["cell_width"] == pytest.approx(
        253, abs=0.01
    )


def test_what_is_too_small_for_a_defect_is_in_no_mask() -> None:
    scorer = Scorer(probe_model(replace(MASKED, masks=MaskTerms((0.7, 0.9), (1000, 0))), masks=True))
    pixels = np.full((256, 1600), 120, np.uint8)
    pixels[:16, :16] = 230
    found = answered(scorer, pixels)
    assert (found["defects"], found["masks"]["runs"]) == ([], ["", ""])
    pixels[:80, :80] = 230
    assert answered(scorer, pixels)["masks"]["runs"][0].startswith("1 10 33 10 ")


def test_a_model_without_masks_gives_none(probe: Scorer) -> None:
    found = answered(probe, np.full((256, 1600), 230, np.uint8))
    assert "masks" not in found
    assert not {"defects", "defect_count"} & found.keys(), "nobody looked for any"


def test_what_a_model_says_of_its_masks_is_served(masked: Scorer, probe: Scorer) -> None:
    for scorer in (masked, probe):
        check(json.loads(json.dumps(describe(scorer, None))), "Model")
    assert describe(masked, None)["masks"] == {"threshold": (0.7, 0.9), "least_area": (0, 0)}


def test_masks_are_asked_for(masked: Scorer) -> None:
    picture = encoded(gray(np.full((256, 1600), 230, np.uint8)))
    api = Api(lambda: masked)
    assert "masks" not in json.loads(api.handle(predict(picture)).body)
    assert json.loads(api.handle(predict(picture, masks="true")).body)["masks"]["runs"] == ["1 6400", ""]
    assert api.handle(predict(picture, masks="polygons")).status == 400


@pytest.mark.parametrize("size", [(256, 1600), (6000, 6600)])
def test_an_answer_for_noise_has_room_in_a_response_of_lambda(size: tuple[int, int]) -> None:
    spec = InputSpec(max_bytes=100_000_000)
    scorer = Scorer(probe_model(replace(MASKED, input=spec, masks=MaskTerms((0.7, 0.9), (0, 0))), masks=True))
    dots = np.full((size[0] // 8, size[1] // 8), 120, np.uint8)
    dots[::2, ::2] = 255
    dots[1::2, 1::4] = 0
    found = answer(
        scorer.score(encoded(gray(np.kron(dots, np.ones((8, 8), np.uint8))))), scorer, with_map=True, with_masks=True
    )
    assert len(found["defects"]) == 100
    assert len(json.dumps(found)) < LAMBDA_BYTES / 2
