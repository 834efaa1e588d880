"""Pasted damage: it is where the mask says, in the light of its new place, and nothing else is changed."""

from __future__ import annotations

import numpy as np

from steel_defect_trainer.augmentation.paste import paste


def _same(one: tuple[np.ndarray, ...], other: tuple[np.ndarray, ...]) -> bool:
    return all(np.array_equal(ours, theirs) for ours, theirs in zip(one, other, strict=True))


def _clean(gray: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.full((128, 800), gray, np.uint8), np.zeros(3, np.float32), np.zeros((3, 32, 200), np.int8)


def _donor() -> tuple[np.ndarray, np.ndarray]:
    """Steel twice as bright as the clean strip, with a black region of class 2."""
    pixels, masks = np.full((128, 800), 160, np.uint8), np.zeros((3, 32, 200), np.int8)
    pixels[40:72, 100:180] = 8
    masks[2, 10:18, 25:45] = 100
    return pixels, masks


def test_damage_is_pasted_where_its_mask_is_and_is_of_its_class() -> None:
    tops, pasted = set(), 0
    for seed in range(60):
        pixels, classes, masks = paste(_clean(), _donor(), np.random.default_rng(seed))
        if not (masks > 0).any():
            continue
        pasted += 1
        assert not masks[:2].any()
        assert (classes == -1).all()  # what the picture as a whole shows is not learned from it
        inside = (masks[2] == 100).repeat(4, axis=0).repeat(4, axis=1)
        outside = (masks[2] == 0).repeat(4, axis=0).repeat(4, axis=1)
        assert np.median(pixels[inside]) < 20
        far = outside & (np.abs(pixels.astype(int) - 80) > 25)
        assert far.sum() < 0.1 * inside.sum()
        tops.add(int(np.argmax((masks[2] > 0).any(axis=1))))
    assert pasted > 50
    assert len(tops) > 10


def test_what_comes_along_has_the_light_of_its_new_place() -> None:
    donor = _donor()
    donor[0][40:72, 100:180] = 160  # damage that looks like the steel around it
    for seed in range(20):
        pixels, _, _ = paste(_clean(), donor, np.random.default_rng(seed))
        assert np.abs(pixels.astype(int) - 80).max() <= 8


def test_arguments_stay_as_they_are() -> None:
    strip, donor = _clean(), _donor()
    paste(strip, donor, np.random.default_rng(1))
    assert _same(strip, _clean())
    assert _same(donor, _donor())


def test_nothing_is_pasted_from_a_donor_without_a_mask_nor_onto_black() -> None:
    pixels, masks = _donor()
    assert _same(paste(_clean(), (pixels, np.minimum(masks, 0)), np.random.default_rng(0)), _clean())
    for seed in range(10):
        assert _same(paste(_clean(gray=0), (pixels, masks), np.random.default_rng(seed)), _clean(gray=0))
