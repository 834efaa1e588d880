"""What is not like the training pictures is never passed, and what several tiles and pages say is put together."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image, ImageFilter

from steel_defect.contract import Frame, Guard
from steel_defect.decision import Decision, Reason, decide
from steel_defect.guard import reasons_against
from steel_defect.http import Request
from steel_defect.scorer import Scorer
from steel_defect.settings import BUNDLED_MODEL
from steel_defect.statistics import Appearance
from tests.conftest import SAMPLES
from tests.pictures import encoded, gray
from tests.probe_model import CONTRACT, probe_model
from tests.requests_table import predict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.transports import Transport

FRAMED = replace(CONTRACT, frame=Frame(1600, 256, (6.25, 6.25)))
GUARD = Guard(dark=20, saturated=0.4, flat=2, blurred=1, noisy=40, unfamiliar=0.99)
GOOD = Appearance(brightest=200, saturated=0, contrast=30, sharpness=5, noise=4)


@pytest.fixture(scope="module")
def framed() -> Scorer:
    return Scorer(probe_model(FRAMED))


@pytest.fixture(scope="module")
def bundled() -> Scorer:
    return Scorer(BUNDLED_MODEL)


@pytest.mark.parametrize("decision", list(Decision))
def test_a_reason_makes_a_decision_at_least_review_and_never_less(decision: Decision) -> None:
    probability = {Decision.PASS: 0.1, Decision.REVIEW: 0.5, Decision.REJECT: 0.9}[decision]
    assert decide(probability, 0.25, 0.75) is decision
    expected = Decision.REVIEW if decision is Decision.PASS else decision
    for reason in Reason:
        assert decide(probability, 0.25, 0.75, [reason]) is expected


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"brightest": 19}, Reason.DARK),
        ({"saturated": 0.41}, Reason.SATURATED),
        ({"contrast": 1.9}, Reason.FLAT),
        ({"sharpness": 0.9}, Reason.BLURRED),
        ({"noise": 41}, Reason.NOISY),
    ],
)
def test_each_limit_has_its_reason(change: dict[str, float], reason: Reason) -> None:
    assert reasons_against(GOOD, 0.99, GUARD) == ()
    assert reasons_against(replace(GOOD, **change), None, GUARD) == (reason,)
    assert reasons_against(GOOD, 0.991, GUARD) == (Reason.UNFAMILIAR,)


def faults() -> dict[str, Image.Image]:
    rng = np.random.default_rng(0)
    good = Image.open(SAMPLES / "scratch.jpg").convert("L")
    bars = np.repeat(np.array([235, 210, 170, 145, 106, 81, 41, 16], np.uint8), 200)[None].repeat(256, axis=0)
    return {
        "a lens cap": Image.new("L", (1600, 256)),
        "no light": good.point(lambda value: value * 0.05),
        "burnt out": Image.new("L", (1600, 256), 255),
        "a card": Image.new("L", (1600, 256), 120),
        "no signal": Image.fromarray(bars),
        "noise": gray(rng.uniform(0, 255, (256, 1600))),
        "out of focus": good.filter(ImageFilter.GaussianBlur(10)),
        "a chessboard": gray((np.indices((256, 1600)).sum(axis=0) // 16) % 2 * 200 + 20),
    }


@pytest.mark.parametrize("fault", list(faults()))
def test_a_camera_at_fault_is_never_passed(bundled: Scorer, fault: str) -> None:
    found = bundled.score(encoded(faults()[fault]))
    assert found.reasons
    assert found.decision is not Decision.PASS


def test_the_samples_are_familiar(bundled: Scorer) -> None:
    assert {bundled.score(path.read_bytes()).reasons for path in sorted(SAMPLES.glob("*.jpg"))} == {()}


def test_reasons_and_view_are_in_the_answer(transport: Transport) -> None:
    """Through each adapter: the model there is the probe, which has no frame and no guard."""
    answer = json.loads(transport.send(predict(encoded(Image.new("L", (800, 128))))).body)
    assert answer["reasons"] == []
    assert answer["view"]["content"] == {"x": 0, "y": 0, "width": 800, "height": 128}
    assert (answer["view"]["tiles"], answer["view"]["pages"], answer["view"]["bit_depth_from"]) == (1, 1, "file")


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ({"mm_per_pixel": "0"}, "mm_per_pixel is a number from 0.001 to 100"),
        ({"mm_per_pixel": "nan"}, "mm_per_pixel"),
        ({"bit_depth": "7"}, "bit_depth is a whole number from 8 to 16"),
        ({"bit_depth": "1e1"}, "bit_depth"),
        ({"orientation": "diagonal"}, "orientation is auto, horizontal, vertical"),
    ],
)
def test_a_statement_that_cannot_be_true_is_refused(
    transport: Transport, query: dict[str, str], complaint: str
) -> None:
    response = transport.send(replace(predict(encoded(Image.new("L", (800, 128)))), query=query))
    assert response.status == 400
    assert complaint in json.loads(response.body)["detail"]


def test_a_request_can_state_its_camera(transport: Transport) -> None:
    request = Request("POST", "/predict", {"content-type": "image/png"}, {"bit_depth": "10"}, ten_bits())
    answer = json.loads(transport.send(request).body)
    assert (answer["view"]["bit_depth"], answer["view"]["bit_depth_from"]) == (10, "stated")
    assert answer["defect_prob"] == pytest.approx(512 / 1023, abs=0.01)


def ten_bits() -> bytes:
    return encoded(Image.fromarray(np.full((128, 800), 512, np.uint16)))


def test_the_worst_tile_decides_and_its_place_is_in_the_map(framed: Scorer) -> None:
    pixels = np.full((256, 6400), 40, np.uint8)
    pixels[:, 3000:5000] = 220
    found = framed.score(encoded(gray(pixels)))
    assert found.view.tiles == 7
    assert found.decision is Decision.REJECT
    assert found.defect_map is not None
    assert found.defect_map.shape == (2, 4, 100)
    assert [int(np.argmax(found.defect_map[0, 0] > 0.5)), int(found.defect_map.max() * 255 + 0.5)] == [47, 220]


@pytest.mark.parametrize("turned", [False, True], ids=["lying", "standing"])
@pytest.mark.parametrize(("shade", "decision"), [(76, Decision.REVIEW), (60, Decision.PASS)])
def test_what_no_tile_shows_well_is_looked_at_again(
    framed: Scorer, shade: int, decision: Decision, *, turned: bool
) -> None:
    """The patch is as wide as a tile and lies across three: one has three quarters of it, a moved one all."""
    pixels = np.full((256, 6400), 20, np.uint8)
    pixels[:, 2000:3600] = shade
    found = framed.score(encoded(gray(pixels.T if turned else pixels)))
    assert found.decision is decision
    assert found.view.tiles == 7
    if decision is Decision.REVIEW:
        assert found.defect_prob == pytest.approx(shade / 255, abs=0.01)


def test_the_map_of_a_turned_picture_lies_as_the_picture(framed: Scorer) -> None:
    pixels = np.full((6400, 256), 40, np.uint8)
    pixels[3300:4700] = 220
    found = framed.score(encoded(gray(pixels)))
    assert found.view.turned == 90
    assert found.defect_map is not None
    assert found.defect_map.shape == (2, 100, 4)
    assert int(np.argmax(found.defect_map[0, :, 0] > 0.5)) == 52


def test_dark_tiles_beside_the_strip_are_not_scored(framed: Scorer) -> None:
    pixels = np.zeros((256, 8000), np.uint8)
    pixels[:, :1500] = 100
    found = framed.score(encoded(gray(pixels)))
    assert found.view.tiles < 7
    assert found.defect_prob == pytest.approx(100 * 1500 / 1600 / 255, abs=0.01)


def test_a_dark_part_between_lit_ones_is_judged() -> None:
    """A lamp that failed over a part of the strip, for example."""
    scorer = Scorer(probe_model(replace(FRAMED, guard=replace(GUARD, flat=0, blurred=0))))
    pixels = np.full((256, 6400), 60, np.uint8)
    assert scorer.score(encoded(gray(pixels))).reasons == ()
    pixels[:, 2300:4100] = 0
    found = scorer.score(encoded(gray(pixels)))
    assert (found.reasons, found.decision) == ((Reason.DARK,), Decision.REVIEW)


def test_a_number_that_is_none_is_never_passed_over(framed: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a damaged model may give it, for one page of several; and a distance that is none is no near one."""
    true, calls = framed.predict, itertools.count()

    def second_is_nan(pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        found = true(pixels)
        return {**found, "defect_prob": found["defect_prob"] * np.float32("nan" if next(calls) == 1 else 1)}

    monkeypatch.setattr(framed, "predict", second_is_nan)
    pages = [Image.new("L", (1600, 256), 30)] * 3
    file = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="tiff_deflate")
    found = framed.score(file)
    assert (found.view.page, found.decision) == (2, Decision.REJECT)
    assert reasons_against(GOOD, float("nan"), GUARD) == (Reason.UNFAMILIAR,)


def test_the_depth_is_that_of_the_page_that_decided(framed: Scorer) -> None:
    deep = Image.fromarray(np.full((256, 1600), 60_000, np.uint16))
    plain = Image.new("L", (1600, 256), 30)
    file = encoded(deep, "TIFF", save_all=True, append_images=[plain], compression="tiff_deflate")
    found = framed.score(file)
    assert (found.view.page, found.view.bit_depth) == (1, 16)


def test_the_worst_page_decides(framed: Scorer) -> None:
    pages = [Image.new("L", (1600, 256), value) for value in (30, 200, 60)]
    found = framed.score(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="tiff_deflate"))
    assert (found.view.pages, found.view.page, found.decision) == (3, 2, Decision.REJECT)


def test_a_reason_of_any_page_counts() -> None:
    scorer = Scorer(probe_model(replace(FRAMED, guard=replace(GUARD, flat=0, blurred=0))))
    pages = [Image.new("L", (1600, 256), value) for value in (45, 0)]
    found = scorer.score(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="tiff_deflate"))
    assert (found.reasons, found.decision, found.view.page) == ((Reason.DARK,), Decision.REVIEW, 1)


def with_novelty(limit: float) -> bytes:
    """The probe, whose novelty is its probability."""
    model = onnx.load_from_string(
        probe_model(replace(FRAMED, guard=replace(GUARD, flat=0, blurred=0, unfamiliar=limit)))
    )
    model.graph.node.append(helper.make_node("Identity", ["defect_prob"], ["novelty"]))
    model.graph.output.append(helper.make_tensor_value_info("novelty", TensorProto.FLOAT, ["n"]))
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(("value", "reasons"), [(30, ()), (60, (Reason.UNFAMILIAR,))])
def test_novelty_beyond_the_limit_is_unfamiliar(value: int, reasons: tuple[Reason, ...]) -> None:
    found = Scorer(with_novelty(0.2)).score(encoded(Image.new("L", (1600, 256), value)))
    assert found.reasons == reasons
    assert found.novelty == pytest.approx(value / 255, abs=1e-4)


def transformed() -> dict[str, Any]:
    """Ways to send a strip that change nothing of it."""

    def boxed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        whole = np.zeros((1600, 1600), np.uint8)
        whole[672:928] = pixels
        return whole

    def deeper(bits: int, *, hot: bool = False) -> Any:  # noqa: ANN401 - of any shape
        def change(pixels: NDArray[np.uint8]) -> NDArray[np.uint16]:
            deep: NDArray[np.uint16] = np.round(pixels * ((2**bits - 1) / 255)).astype(np.uint16)
            if hot:
                deep[100, 700] = 65535
            return deep

        return change

    return {
        "turned": lambda pixels: np.rot90(pixels, -1),
        "in a square": boxed,
        "10 bits": deeper(10),
        "12 bits": deeper(12),
        "10 bits and a hot pixel": deeper(10, hot=True),
    }


@pytest.mark.parametrize("way", list(transformed()))
def test_a_harmless_change_changes_no_answer(bundled: Scorer, way: str) -> None:
    for path in sorted(SAMPLES.glob("*.jpg")):
        pixels = np.asarray(Image.open(path).convert("L"))
        plain = bundled.score(encoded(Image.fromarray(pixels)))
        changed = bundled.score(encoded(Image.fromarray(np.ascontiguousarray(transformed()[way](pixels)))))
        assert changed.decision is plain.decision, path.name
        assert changed.defect_prob == pytest.approx(plain.defect_prob, abs=0.03), path.name


@pytest.mark.parametrize("width", [3200, 6400])
def test_damage_beside_sound_strip_is_still_found(bundled: Scorer, width: int) -> None:
    sound = np.asarray(Image.open(SAMPLES / "clean-water-stain.jpg").convert("L"))
    for name in ("scratch", "crack", "scale-patch", "pits"):
        damaged = np.asarray(Image.open(SAMPLES / f"{name}.jpg").convert("L"))
        whole = np.tile(sound, (1, width // 1600))
        whole[:, width // 2 - 800 : width // 2 + 800] = damaged
        assert bundled.score(encoded(Image.fromarray(whole))).decision is not Decision.PASS, name
