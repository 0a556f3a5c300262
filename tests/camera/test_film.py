"""The simulated camera is repeatable and physical, and a film can be made again from its record."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from mfrec.camera.film import (
    FIELD,
    HEAD,
    SCALE,
    Camera,
    Film,
    Motion,
    Shoot,
    astronaut,
    draw_shoot,
    film,
    from_linear,
    rotation,
    to_linear,
    view,
    wander,
)
from mfrec.image.geometry import enlarge, resize
from mfrec.imageio import read
from mfrec.metrics.psnr import psnr

STILL = Motion(yaw=0, pitch=0, roll=0, sway=0, shake=0, approach=0)
REST = dict.fromkeys(("yaw", "pitch", "roll", "sway_x", "sway_y", "shake_x", "shake_y"), 0.0) | {"size": 1.0}


def decoded(shot: Film, layout: str) -> np.ndarray:
    """The frames of a film as the codec gives them, without what mfrec does on reading."""
    with av.open(io.BytesIO(shot.clip), "r") as container:
        return np.stack([picture.to_ndarray(format=layout) for picture in container.decode(video=0)])


def test_light_round_trip() -> None:
    values = np.linspace(0, 1, 1001, dtype=np.float32)
    np.testing.assert_allclose(from_linear(to_linear(values)), values, atol=1e-6)
    assert to_linear(np.array([0.5]))[0] == pytest.approx(0.21404, abs=1e-4)


@pytest.mark.parametrize("frames", [1, 7, 15])
def test_paths_are_smooth_and_bounded(frames: int) -> None:
    for seed in range(20):
        path = wander(np.random.default_rng(seed), frames, 3.0)
        assert path.shape == (frames,)
        assert np.abs(path).max() <= 3.0
        if frames == 15:
            assert np.abs(np.diff(path)).max() < 2.5


def test_a_head_at_rest_is_seen_where_it_is() -> None:
    x, y = np.moveaxis(view(44, REST, STILL), 2, 0)
    centre = HEAD[0] - FIELD / 2, HEAD[1] - FIELD / 2
    np.testing.assert_allclose(x[0], centre[0] + (np.arange(44) + 0.5) * FIELD / 44, atol=1e-3)
    np.testing.assert_allclose(y[:, 0], centre[1] + (np.arange(44) + 0.5) * FIELD / 44, atol=1e-3)


def test_yaw_has_parallax() -> None:
    """A head that turns moves the nose more than the ears, and the background not at all."""
    turned, rest = view(88, REST | {"yaw": 5.0}, Motion()), view(88, REST, Motion())
    shift = np.abs(turned - rest)[..., 0]
    nose, ear, corner = shift[44, 44], shift[44, 44 - 34], shift[1, 1]
    assert nose > 3.0
    assert ear < 0.5 * nose
    assert corner < 0.1


def test_view_inverts_the_projection() -> None:
    """A point of the turned head, projected by hand, is found at the pixel that looks it up."""
    motion, pose = Motion(), REST | {"yaw": 4.0, "pitch": -2.0, "roll": 1.0, "sway_x": 3.0, "size": 1.01}
    side = 176
    looked_up = view(side, pose, motion)
    row, column = 70, 95
    x, y = looked_up[row, column].astype(float) - HEAD
    height = motion.relief * (1 - (x / 70) ** 2 - (y / 85) ** 2) ** 1.5
    near = 1 - height / motion.distance
    px, py, pz = rotation(4.0, -2.0, 1.0) @ [x * near, y * near, -height]
    seen = 1.01 * motion.distance / (motion.distance + pz)
    at = (np.array([column, row]) + 0.5) / side * FIELD - FIELD / 2
    # A point this far inside is carried by its head by all but e^-7.
    np.testing.assert_allclose([px * seen + 3.0, py * seen], at, atol=0.05)


def test_film_is_repeatable(filmed: Film) -> None:
    again = film(astronaut(), draw_shoot(frames=7, size=48, seed=3))
    assert again.clip == filmed.clip
    assert again.shoot == filmed.shoot
    np.testing.assert_array_equal(again.truth, filmed.truth)
    assert film(astronaut(), draw_shoot(frames=7, size=48, seed=4)).clip != filmed.clip


def test_film_has_the_size_and_number_asked_for(clip: Path, filmed: Film) -> None:
    frames = read(clip).frames
    assert [frame.image.shape for frame in frames] == [(48, 48, 3)] * 7
    assert filmed.truth.shape == (7, 48 * SCALE, 48 * SCALE, 3)
    assert [frame.time for frame in frames] == pytest.approx([i / 5 for i in range(7)])
    assert not filmed.truth.flags.writeable


def test_each_frame_fits_its_own_truth_best(clip: Path, filmed: Film) -> None:
    """The truth belongs to its frame: half-pixel and off-by-one mistakes would show here."""
    for i, frame in enumerate(read(clip).frames):
        scores = [psnr(enlarge(frame.image, SCALE), truth) for truth in filmed.truth]
        assert int(np.argmax(scores)) == i
        assert scores[i] > 21.0


def test_a_perfect_camera_shows_the_truth() -> None:
    perfect = Camera(psf=0.01, full_well=1e9, read_noise=0.0, drift=0.0)
    shot = film(astronaut(), draw_shoot(frames=1, size=64, crf=0, camera=perfect, motion=STILL))
    light = resize(to_linear(shot.truth[0]).astype(np.float32), 64, 64, interpolation="area")
    (picture,) = decoded(shot, "rgb24")
    # What is left is the codec's halved colour: compare brightness.
    weights = np.array([0.299, 0.587, 0.114])
    seen, meant = picture / 255 @ weights, from_linear(light) @ weights
    assert np.sqrt(np.mean((seen - meant) ** 2)) < 0.01


def test_noise_follows_the_light() -> None:
    """Photon noise of a grey wall: the square root of the number of electrons."""
    wall = np.full((512, 512, 3), 0.5, np.float32)
    camera = replace(Camera(), read_noise=0.0, drift=0.0, full_well=1000.0)
    shot = film(wall, draw_shoot(frames=3, size=64, crf=0, camera=camera, motion=STILL))
    luma = decoded(shot, "yuv420p")[:, :64] / 219
    light = float(to_linear(np.array([0.5]))[0])
    slope = (from_linear(np.array([light + 1e-3])) - from_linear(np.array([light - 1e-3])))[0] / 2e-3
    # Luma sums three independent channels with these weights.
    expected = slope * np.sqrt(light / 1000.0) * np.sqrt(0.299**2 + 0.587**2 + 0.114**2)
    assert luma.std() == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(("frames", "size"), [(0, 48), (7, 47), (7, 8)])
def test_impossible_films_are_refused(frames: int, size: int) -> None:
    with pytest.raises(ValueError, match="even size"):
        film(astronaut(), draw_shoot(frames=frames, size=size))


def test_a_film_is_made_again_from_its_record(filmed: Film) -> None:
    record = filmed.shoot.to_json()
    read_back = Shoot.from_json(record)
    assert read_back == filmed.shoot
    assert read_back.frames == 7
    assert film(astronaut(), read_back).clip == filmed.clip
    # A record that says something else is another film.
    assert film(astronaut(), replace(read_back, crf=40)).clip != filmed.clip
