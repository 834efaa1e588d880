"""Decisions are chosen on validation pictures alone; the file and the report hold what was found."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from steel_defect_trainer.errors import RecallFloorUnmet, RunError
from steel_defect_trainer.evaluation.calibration import Calibration, calibrate
from steel_defect_trainer.evaluation.evaluation import Evaluation, evaluate
from steel_defect_trainer.evaluation.evaluation_file import read_evaluation, stored_calibration, to_json, write_json
from steel_defect_trainer.evaluation.mistakes import worst_mistakes
from steel_defect_trainer.evaluation.report import write_report
from steel_defect_trainer.predictions import Predictions
from steel_defect_trainer.runs.run import read_run
from tests.trainer.evaluation.runs import made_up_predictions, write_run

if TYPE_CHECKING:
    from pathlib import Path

VALIDATION = made_up_predictions(seed=1)
# Farther apart, and on another scale: whoever chose anything on these would choose something else.
TEST = made_up_predictions(seed=2, distance=6, part="t")


@pytest.fixture
def judged(tmp_path: Path) -> Evaluation:
    """A final model on its test part, by the calibration of the run its recipe was tried with."""
    tried = read_run(write_run(tmp_path / "tried", VALIDATION))
    final = read_run(write_run(tmp_path / "final", None, TEST, final=True))
    return evaluate(final, "test", chosen_by=tried)


def test_the_decision_for_test_pictures_is_chosen_on_validation_pictures(judged: Evaluation) -> None:
    expected = calibrate(VALIDATION.defect_logits, VALIDATION.truth)
    assert judged.calibration == expected
    assert judged.calibration != calibrate(TEST.defect_logits, TEST.truth)
    called = expected.probabilities(TEST.defect_logits) >= expected.threshold
    found = judged.measures.confusion
    assert found.true_positives == (called & TEST.truth).sum()
    assert found.false_positives == (called & ~TEST.truth).sum()
    assert found.true_positives + found.false_negatives == TEST.truth.sum()
    assert sum(counts["clean"] for counts in judged.band.values()) == (~TEST.truth).sum()


def test_a_final_model_chooses_nothing_on_pictures_it_learned_from(tmp_path: Path) -> None:
    final = read_run(write_run(tmp_path / "final", VALIDATION, TEST, final=True))
    with pytest.raises(RunError, match=r"no threshold can be chosen on them: .* --decision-from RUN"):
        evaluate(final, "test")
    with pytest.raises(RunError, match="they say nothing about it"):
        evaluate(final, "validation", chosen_by=read_run(write_run(tmp_path / "tried", VALIDATION)))


def test_a_recall_floor_is_kept_on_validation_pictures_or_refused(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", VALIDATION))
    for floor in (0.6, 0.9, 0.98):
        found = evaluate(run, "validation", recall_floor=floor)
        assert found.measures.figures["recall"].value >= floor
        assert found.rule == f"best precision with a recall of at least {floor}"
    hopeless = Predictions(("a", "b", "c"), np.array([[1], [0], [1]], np.float32), np.array([-20, 20, 20], np.float32))
    (run.folder / "data.json").unlink()
    hopeless.save(run.folder / "validation.npz")
    with pytest.raises(RecallFloorUnmet, match="only by calling every picture a defect"):
        evaluate(read_run(run.folder), "validation", recall_floor=0.98)


def test_the_file_holds_the_figures_and_gives_the_decision_back(judged: Evaluation) -> None:
    path = write_json(judged)
    content = json.loads(path.read_text())
    assert content == json.loads(json.dumps(to_json(judged)))
    assert stored_calibration(judged.run, read_evaluation(judged.run)) == judged.calibration
    assert content["chosen_on"] == "validation part of tried"
    assert content["pictures"] == 300
    assert content["metrics"]["roc_auc"]["value"] == pytest.approx(judged.measures.figures["roc_auc"].value, abs=1e-6)
    assert content["recall_of_classes"]["cracks"]["pictures"] == int(TEST.classes[:, 1].sum())
    assert content["scan"]["thresholds"] == judged.scan.thresholds.tolist()
    assert content["intervals"]["groups"] is None


def test_what_rests_on_few_pictures_says_so_with_the_number(tmp_path: Path) -> None:
    few = made_up_predictions(seed=3, count=40)
    defects = int(few.truth.sum())
    assert defects < 30
    run = read_run(write_run(tmp_path / "run", few))
    found = evaluate(run, "validation", recall_floor=0.98)
    assert (
        f"the figures of the validation part, threshold and review band rest on {defects} defects only"
        in found.warnings
    )
    assert f"a recall of at least 0.98 on {defects} defects means all of them" in found.warnings
    assert any(f"cracks ({int(few.classes[:, 1].sum())})" in warning for warning in found.warnings)
    assert json.loads(write_json(found).read_text())["warnings"] == found.warnings
    page = Page(write_report(found).read_text())
    for warning in found.warnings:
        assert warning[1:] in page.text
    final = read_run(write_run(tmp_path / "final", None, TEST, final=True))
    assert evaluate(final, "test", chosen_by=run).warnings[0] == (
        f"threshold and review band rest, in run, on {defects} defects only"
    )
    assert not evaluate(read_run(write_run(tmp_path / "many", VALIDATION)), "validation", recall_floor=0.9).warnings


def test_a_review_band_that_passes_fewer_than_half_of_the_clean_pictures_says_so(tmp_path: Path) -> None:
    # As it came out for twenty defects among magnetic tiles: the lowest of them looks cleaner than most clean ones do.
    truth = np.arange(229) < 20
    logits = np.where(truth, 3.0, np.linspace(-4, -1, 229)).astype(np.float32)
    for lowest, warned in ((-3.9, True), (-1.2, False)):
        logits[0] = lowest
        predictions = Predictions(
            tuple(map(str, range(229))), np.stack([truth, 0 * truth], 1).astype(np.float32), logits
        )
        run = read_run(write_run(tmp_path / str(warned), predictions))
        found = evaluate(run, "validation")
        passed = found.band["pass"]["clean"]
        assert (2 * passed < 209) is warned
        assert (f"only {passed} of 209 clean pictures pass" in " ".join(found.warnings)) is warned


def test_a_figure_without_a_value_is_null(tmp_path: Path) -> None:
    lone = Predictions(("a", "b"), np.array([[1, 0], [0, 0]], np.float32), np.array([1, -1], np.float32))
    run = read_run(write_run(tmp_path / "run", lone))
    content = to_json(evaluate(run, "validation", threshold=1.0))
    assert content["metrics"]["precision"] == {"value": None, "low": None, "high": None}
    assert content["recall_of_classes"]["cracks"]["value"] is None
    write_json(evaluate(run, "validation", threshold=1.0))
    write_report(evaluate(run, "validation", threshold=1.0))


def test_pictures_of_one_group_are_drawn_together(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "run", VALIDATION))
    apart = evaluate(run, "validation")
    rows = [f"{name},{number % 20},validation" for number, name in enumerate(VALIDATION.names)]
    (run.folder / "split.csv").write_text("\n".join(["file,group,part", *rows]))
    together = evaluate(run, "validation")
    assert (apart.groups, together.groups) == (None, 20)
    assert together.measures.figures["accuracy"].value == apart.measures.figures["accuracy"].value
    assert together.measures.figures["accuracy"].low != apart.measures.figures["accuracy"].low


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{",
        "[]",
        '{"schema_version": 0}',
        '{"schema_version": 1}',
        '{"schema_version": 1, "decision": {"scale": 1}}',
        '{"schema_version": 1, "decision": {"scale": null}}',
    ],
)
def test_a_decision_that_is_not_there_is_asked_for(tmp_path: Path, text: str | None) -> None:
    run = read_run(write_run(tmp_path / "run", None))
    if text is not None:
        (run.folder / "evaluation.json").write_text(text)
    with pytest.raises(RunError, match="steel-defect evaluate"):
        stored_calibration(run, read_evaluation(run))


def test_the_surest_mistakes_come_first(tmp_path: Path) -> None:
    worse = made_up_predictions(distance=1)
    judged = evaluate(read_run(write_run(tmp_path / "run", worse)), "validation", threshold=0.4)
    threshold = judged.calibration.threshold
    missed, alarms = worst_mistakes(judged)
    counts = judged.measures.confusion
    assert len(missed) == min(12, counts.false_negatives) == 12
    assert len(alarms) == min(12, counts.false_positives) > 0
    assert [mistake.probability for mistake in missed] == sorted(mistake.probability for mistake in missed)
    assert all(mistake.probability < threshold and mistake.classes for mistake in missed)
    assert [-mistake.probability for mistake in alarms] == sorted(-mistake.probability for mistake in alarms)
    assert all(mistake.probability >= threshold and not mistake.classes for mistake in alarms)


class Page(HTMLParser):
    """Collects what a page shows and what it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: dict[str, bytes] = {}
        self.fetched: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href") and value is not None:
                kind, _, data = value.partition(";base64,")
                if kind.startswith("data:image/"):
                    self.images[dict(attrs)["alt"] or ""] = base64.b64decode(data)
                else:
                    self.fetched.append(value)
        assert tag not in ("script", "link", "iframe")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_is_one_file_with_figures_and_mistakes_as_pictures(tmp_path: Path, samples: list[Path]) -> None:
    files = samples
    predictions = Predictions(
        tuple(file.name for file in files),
        np.array([["clean" not in file.name, False] for file in files], np.float32),
        # The first clean one is called a defect, the last defect is missed.
        np.array([5, -3, 4, 4, 4, -4], np.float32),
    )
    run = read_run(write_run(tmp_path / "run", predictions, pictures=samples[0].parent))
    path = write_report(evaluate(run, "validation", threshold=0.5))
    page = Page(path.read_text(encoding="utf-8"))
    assert page.fetched == []
    assert "url(" not in path.read_text()
    figures = sorted(file.stem for file in (path.parent / "figures").iterdir())
    assert figures == [
        "confusion", "curves", "precision_recall", "reliability", "roc", "scores", "threshold_scan",
    ]  # fmt: skip
    for name in figures:
        png = (path.parent / "figures" / f"{name}.png").read_bytes()
        assert png in page.images.values()
        with Image.open(BytesIO(png)) as image:
            assert image.format == "PNG"
            assert min(image.size) > 400
    pictures = [name for name in page.images if name.endswith(".jpg")]
    assert pictures == [files[5].name, files[0].name]
    with Image.open(BytesIO(page.images[files[0].name])) as image:
        assert image.size == (800, 128)
    assert "Drawn by a test & <nothing> else." in page.text
    assert "at most 5% of new defects are expected to pass and 10% of new clean pictures" in " ".join(page.text.split())


def test_mistakes_that_cannot_be_shown_are_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "b").write_bytes(b"no picture")
    wrong = Predictions(
        ("a", "b", "c"), np.array([[1, 0], [0, 0], [0, 1]], np.float32), np.array([-4, 4, 5], np.float32)
    )
    run = read_run(write_run(tmp_path / "run", wrong, pictures=tmp_path / "pictures"))
    evaluation = evaluate(run, "validation", threshold=0.5)
    page = Page(write_report(evaluation).read_text())
    assert "cannot be shown: [Errno 2] No such file or directory" in page.text
    assert "cannot be shown: the bytes are not a picture" in page.text
    (run.folder / "data.json").unlink()
    unsaid = evaluate(read_run(run.folder), "validation", threshold=0.5)
    assert worst_mistakes(unsaid)[0][0].why_not == "the run does not say where its pictures are"


def test_a_final_model_has_curves_without_validation_and_a_run_without_a_log_has_none(
    judged: Evaluation, tmp_path: Path
) -> None:
    report = write_report(judged)
    assert "scores of final are scaled like those of tried is assumed" in " ".join(
        Page(report.read_text()).text.split()
    )
    assert "Losses and validation figures of each epoch" in Page(report.read_text()).images
    run = read_run(write_run(tmp_path / "silent", VALIDATION))
    (run.folder / "log.jsonl").unlink()
    page = Page(write_report(evaluate(run, "validation")).read_text())
    assert "The run has no log of its epochs." in page.text
    assert not (run.folder / "figures" / "curves.png").exists()


def test_the_report_says_whether_the_floor_is_kept(tmp_path: Path) -> None:
    tried = read_run(write_run(tmp_path / "tried", VALIDATION))
    worse = made_up_predictions(seed=5, distance=1, part="t")
    final = read_run(write_run(tmp_path / "final", None, worse, final=True))
    kept = evaluate(tried, "validation", recall_floor=0.95)
    lost = evaluate(final, "test", chosen_by=tried, recall_floor=0.95)
    assert "The recall floor 0.95 is kept on this part" in Page(write_report(kept).read_text()).text
    assert "The recall floor 0.95 is not kept on this part" in Page(write_report(lost).read_text()).text


def test_probabilities_are_sigmoids_of_scaled_logits() -> None:
    calibration = Calibration(2, -1, 0.5, 0.4, 0.6)
    assert calibration.probabilities(np.array([0.5, 1])) == pytest.approx([0.5, 1 / (1 + np.exp(-1))])
