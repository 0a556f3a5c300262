"""The declared camera: linear, with exact adjoints, and true to a real one."""

import numpy as np

from mfrec.camera.forward import blur, degrade, sampling_matrix
from mfrec.image.geometry import enlarge, resize
from mfrec.registration.dense import identity_registration
from mfrec.types import Canvas

RNG = np.random.default_rng(0)


def test_blur_is_its_own_adjoint():
    a, b = RNG.random((2, 21, 17)).astype(np.float32)
    assert np.isclose(np.vdot(blur(a, 1.7), b), np.vdot(a, blur(b, 1.7)), rtol=1e-5)


def test_sampling_rows_sum_to_one_inside_and_to_nothing_outside():
    landing = np.array([[[0, 0], [3.2, 4.7], [7, 5], [-0.1, 2], [7.01, 2], [2, 5.5]]], np.float32)
    sums = np.asarray(sampling_matrix(landing, 6, 8).sum(axis=1)).ravel()
    assert np.allclose(sums, [1, 1, 1, 0, 0, 0], atol=1e-6)


def test_sampling_reads_a_ramp_exactly():
    y, x = np.mgrid[0:6, 0:8].astype(np.float32)
    landing = (RNG.random((4, 4, 2)) * [7, 5]).astype(np.float32)
    got = sampling_matrix(landing, 6, 8) @ (2 * x + 3 * y).ravel()
    assert np.allclose(got, (2 * landing[..., 0] + 3 * landing[..., 1]).ravel(), atol=1e-4)


def test_a_constant_stays_constant_up_to_the_border():
    canvas = Canvas(0, 0, 10, 12, 4)
    registration = identity_registration(canvas, np.zeros((12, 10, 3), np.float32))
    out = degrade(np.full((48, 40, 3), 0.3, np.float32), registration, canvas, 0.4)
    assert out.shape == (12, 10, 3)
    assert np.allclose(out, 0.3, atol=1e-5)


def test_a_gaussian_of_its_variance_behaves_like_a_real_square_pixel(portrait):
    """Averaging 4 x 4 pixels is what a sensor does; the Gaussian of the same variance comes within a grey level."""
    canvas = Canvas(0, 0, 48, 48, 4)
    small = resize(portrait, 48, 48, interpolation="area")
    registration = identity_registration(canvas, small)
    out = degrade(portrait, registration, canvas, 1 / np.sqrt(12))
    plain = resize(portrait, 48, 48, interpolation="nearest")
    error = np.sqrt(((out - small) ** 2).mean())
    assert error < 2 / 255
    assert error < 0.2 * np.sqrt(((plain - small) ** 2).mean())


def test_what_does_not_land_on_the_canvas_is_not_a_number():
    canvas = Canvas(8, 8, 16, 16, 2)
    frame = np.zeros((40, 40, 3), np.float32)
    registration = identity_registration(canvas, frame)
    out = degrade(np.zeros((32, 32, 3), np.float32), registration, canvas, 0.4)
    x0, y0 = registration.window
    assert np.isnan(out[0, 0]).all()
    assert np.isfinite(out[9 - y0, 9 - x0]).all()


def test_the_mean_of_an_enlarged_picture_is_kept(portrait):
    small = resize(portrait, 48, 48, interpolation="area")
    canvas = Canvas(0, 0, 48, 48, 4)
    out = degrade(enlarge(small, 4), identity_registration(canvas, small), canvas, 0.35)
    assert abs(float(out.mean()) - float(small.mean())) < 1e-3
