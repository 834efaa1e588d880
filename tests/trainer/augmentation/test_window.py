"""Mirrored windows: pictures and masks move together, and the classes are those of what is left."""

from __future__ import annotations

import numpy as np

from steel_defect_trainer.augmentation.window import mirror_window


def _strip() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A strip of 128 x 800 that fills 720 columns, its columns told apart by their gray, with damage at one end."""
    masks = np.full((2, 32, 200), -1, np.int8)
    masks[:, :, :180] = 0
    masks[1, 4:8, 10:20] = 80
    pixels = np.zeros((128, 800), np.uint8)
    pixels[:, :720] = 40 + np.arange(720) // 4
    pixels[16:32, 40:80] = 250
    return pixels, np.array([0, 1], np.float32), masks


def test_damage_and_its_mask_move_together_and_sound_parts_are_clean() -> None:
    kinds = set()
    for seed in range(60):
        pixels, classes, masks = mirror_window(*_strip(), np.random.default_rng(seed))
        bright = (pixels == 250).reshape(32, 4, 200, 4).all(axis=(1, 3))
        assert np.array_equal(bright, masks[1] == 80)
        assert np.array_equal(masks[:, :, 180:], _strip()[2][:, :, 180:])  # what the picture does not fill stays so
        assert not pixels[:, 720:].any()
        assert np.array_equal(classes, (masks > 0).any(axis=(1, 2)))
        steps = np.abs(np.diff(pixels[127, :720].astype(int)))
        assert steps.max() <= 1  # mirrored, so no seam
        kinds.add(bool(classes.any()))
    assert kinds == {True, False}


def test_the_strip_itself_is_not_changed() -> None:
    pixels, classes, masks = _strip()
    mirror_window(pixels, classes, masks, np.random.default_rng(0))
    assert all(np.array_equal(one, other) for one, other in zip((pixels, classes, masks), _strip(), strict=True))


def test_damage_somewhere_unknown_is_never_cut_away() -> None:
    pixels, _, masks = _strip()
    for seed in range(10):
        _, classes, found = mirror_window(pixels, np.ones(2, np.float32), masks, np.random.default_rng(seed))
        assert classes.all()
        assert np.array_equal(found, masks)


def test_no_strip_becomes_dark() -> None:
    pixels, _, masks = _strip()
    pixels[:, :600] = 0
    clean = np.maximum(np.minimum(masks, 0), -1)
    for seed in range(40):
        found, _, _ = mirror_window(pixels, np.zeros(2, np.float32), clean, np.random.default_rng(seed))
        assert np.mean(found[:, :720] > 20) > 0.1
