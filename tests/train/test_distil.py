"""Distillation: the student learns from exactly what it is shown, repeatably."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from patchwork_faces import patchwork_faces

from mfrec.errors import InputError
from mfrec.nets.dlib_resnet import SIDE as TEACHER_SIDE
from mfrec.nets.dlib_resnet import DlibResNet
from mfrec.nets.recognition import SIDE
from mfrec.train.distil import (
    CANVAS,
    INTEROCULAR,
    Faces,
    Progress,
    blended,
    distil,
    distillation_loss,
    draw_batch,
    draw_blend,
    draw_jitter,
    draw_spoiling,
    find_faces,
    make_batch,
    moved,
    spoil,
)


@pytest.fixture(scope="module")
def faces() -> Faces:
    return patchwork_faces(6)


def test_faces_are_found_and_brought_to_one_size() -> None:
    from skimage.data import astronaut

    picture = (astronaut()[:300, 80:380] / 255).astype(np.float32)
    found = find_faces([np.zeros((80, 80, 3), np.float32), picture])
    assert found.canvases.shape == (1, CANVAS, CANVAS, 3)
    eyes = found.points[0, 42:48].mean(axis=0) - found.points[0, 36:42].mean(axis=0)
    assert np.linalg.norm(eyes) == pytest.approx(INTEROCULAR, rel=1e-3)
    assert found.points[0, 27:55].mean(axis=0) == pytest.approx([(CANVAS - 1) / 2] * 2, abs=0.1)
    with pytest.raises(InputError, match="no face"):
        find_faces([np.zeros((80, 80, 3), np.float32)])


def test_spoilt_faces_keep_size_and_range_and_follow_the_seed(faces: Faces) -> None:
    before = faces.canvases.copy()
    for seed in range(12):
        canvas = blended(faces, 0, draw_blend(6, np.random.default_rng(seed)))
        out = spoil(canvas, draw_spoiling(CANVAS, np.random.default_rng(seed)))
        assert out.shape == (CANVAS, CANVAS, 3)
        assert out.dtype == np.float32
        assert out.min() >= 0
        assert out.max() <= 1
    again = [spoil(faces.canvases[1], draw_spoiling(CANVAS, np.random.default_rng(3))) for _ in range(2)]
    assert np.array_equal(again[0], again[1])
    assert np.array_equal(before, faces.canvases)


def test_a_moved_face_keeps_its_shape(faces: Faces) -> None:
    points = faces.points[0]
    out = moved(points, draw_jitter(np.random.default_rng(0)))
    lengths = [np.linalg.norm(p[1:] - p[:-1], axis=1) for p in (points, out)]
    assert np.ptp(lengths[1] / lengths[0]) < 1e-4
    assert 0.2 < np.abs(out - points).mean() < 12


def test_student_and_teacher_see_the_same(faces: Faces) -> None:
    small, large = make_batch(faces, draw_batch(faces, np.arange(6), np.random.default_rng(0)))
    assert small.shape == (6, 3, SIDE, SIDE)
    assert large.shape == (6, 3, TEACHER_SIDE, TEACHER_SIDE)
    shrunk = torch.nn.functional.interpolate(large, (SIDE, SIDE), mode="bilinear", antialias=True)
    assert float((small - shrunk).abs().mean()) < 0.02


def test_the_loss_knows_distances() -> None:
    a = torch.eye(3, 128)
    assert float(distillation_loss(a, a)) == 0
    # A common shift leaves the distances as they are, and each face is off by its length.
    assert float(distillation_loss(a + torch.full((128,), 0.1), a)) == pytest.approx(128 * 0.01, rel=1e-4)
    assert float(distillation_loss(2 * a, a)) == pytest.approx(1 + 2, rel=1e-4)


def test_a_training_is_repeatable_and_reports(faces: Faces) -> None:
    torch.manual_seed(0)
    teacher = DlibResNet().eval().requires_grad_(False)
    seen: list[Progress] = []
    runs = [distil(faces, teacher, steps=2, batch=2, seed=7, report=seen.append) for _ in range(2)]
    assert [p.step for p in seen] == [1, 2, 1, 2]
    assert not runs[0].training
    first, second = (run.state_dict() for run in runs)
    assert all(torch.equal(first[key], second[key]) for key in first)
