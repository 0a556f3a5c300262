"""Users of drawn eyes: both eyes look at one point, a texture is the same in all of its users, nothing is random."""

from __future__ import annotations

import numpy as np
import pytest

from mfrec.errors import UsageError
from mfrec.train.data.eye_users import (
    LOOKS,
    POSES,
    TEXTURES,
    USERS,
    EyePair,
    cut_pair,
    draw_pair,
    look_at,
    looked_at,
    render_pair,
)
from mfrec.train.data.synthetic_eyes import render_eye
from mfrec.train.streams.eye_pair_stream import EyePairStream
from mfrec.train.streams.user_eye_stream import UserEyeStream
from mfrec.train.tasks import TASKS


def pair(user: int = 3, pose: int = 62, look: int = 7, seed: int = 0) -> EyePair:
    return draw_pair(user, pose, look, np.random.default_rng(seed))


def test_a_pair_is_two_eyes_side_by_side_the_same_every_time() -> None:
    drawn = pair()
    image = render_pair(EyePair.from_json(drawn.to_json()))
    assert image.shape == (48, 160, 3)
    assert np.array_equal(image, render_pair(pair()))
    left, right = cut_pair(image)
    assert np.array_equal(left, render_eye(drawn.left, TEXTURES[3].spokes).image)
    assert np.array_equal(right, render_eye(drawn.right, TEXTURES[3].spokes).image)


def test_users_share_five_textures_and_differ_otherwise() -> None:
    first, second, other = pair(3), pair(8), pair(4)
    assert first.texture == second.texture == 3
    assert first.left.colour == second.left.colour != other.left.colour
    assert first.left.skin != second.left.skin
    assert first.left.opening == pair(3, 0, 0, 5).left.opening
    assert len({texture.spokes for texture in TEXTURES}) == 5
    assert USERS % len(TEXTURES) == 0
    eye = first.left
    assert not np.array_equal(render_eye(eye, TEXTURES[0].spokes).image, render_eye(eye, TEXTURES[1].spokes).image)


def test_both_eyes_turn_to_what_is_looked_at() -> None:
    """A point on the right of the square turns both to the right of the picture; the right eye is kept mirrored."""
    for pose in (0, 62, 124):
        one, other = pair(look=9, pose=pose), pair(look=5, pose=pose)
        assert look_at(9)[0] > 0 > look_at(5)[0]
        assert one.left.gaze[0] > other.left.gaze[0]
        assert -one.right.gaze[0] > -other.right.gaze[0]
        up, down = pair(look=2, pose=pose), pair(look=12, pose=pose)
        assert up.left.gaze[1] > down.left.gaze[1]
    near, far = pair(pose=12, look=4), pair(pose=112, look=4)
    assert abs(near.left.gaze[0]) > abs(far.left.gaze[0])


def test_the_gaze_that_was_drawn_meets_what_is_looked_at() -> None:
    for pose in (0, 62, 124):
        for look in (0, 7, 20):
            drawn = pair(pose=pose, look=look, seed=pose)
            gazes = np.array([drawn.left.gaze, drawn.right.gaze])
            np.testing.assert_allclose(looked_at(drawn, gazes), look_at(look), atol=1e-6)
            # A degree to the right of the picture, for the right eye mirrored, is millimetres to the right.
            moved = looked_at(drawn, gazes + np.radians([[1.0, 0.0], [-1.0, 0.0]])) - look_at(look)
            assert moved[0] > 0.9 * np.radians(1) * drawn.place[2]
            assert looked_at(drawn, gazes + np.radians([[0.0, 1.0]] * 2))[1] < look_at(look)[1]


def test_the_points_are_a_grid_of_fifteen_and_others() -> None:
    points = np.array([look_at(look) for look in range(LOOKS)])
    assert np.abs(points).max() <= 110
    assert len(np.unique(points[:15, 0])) == 5
    assert len(np.unique(points[:15, 1])) == 3
    assert len(np.unique(points[15:, 0])) == 32
    assert POSES == 125


def test_nobody_of_the_left_out_texture_is_trained_on() -> None:
    train, valid = EyePairStream(1, left_out=2), EyePairStream(1, left_out=2, only_left_out=True, length=40)
    assert {train.drawn(i).texture for i in range(40)} == {0, 1, 3, 4}
    assert {valid.drawn(i).texture for i in range(40)} == {2}
    (small,), wanted = valid[3]
    assert small.shape == (3, 12, 40)
    assert wanted["truth"].shape == wanted["bicubic"].shape == (3, 48, 160)
    drawn = valid.drawn(3)
    np.testing.assert_allclose(wanted["truth"].permute(1, 2, 0).numpy(), render_pair(drawn), atol=0.5 / 255 + 1e-6)


def test_users_of_other_numbers_are_others() -> None:
    first, others = (EyePairStream(1, users=40, first=number) for number in (0, 1000))
    assert {user % 5 for user in others.users} == {user % 5 for user in first.users} == {1, 2, 3, 4}
    assert len(first.users) == 32 and min(others.users) == 1001
    with pytest.raises(UsageError, match="4 users from number 0"):
        EyePairStream(1, users=4)


def test_a_pool_comes_again_and_is_what_was_drawn() -> None:
    pooled, endless = (UserEyeStream(2, left_out=3, pool=pool) for pool in (3, 0))
    for index in range(7):
        (eye,), wanted = pooled[index]
        (same,), truth = endless[index % 3]
        assert np.array_equal(eye, same) and np.array_equal(wanted["gaze"], truth["gaze"])
        assert pooled.drawn(index) == endless.drawn(index % 3)
    assert len(pooled.kept) == 3
    few = EyePairStream(2, length=4, pool=2)
    assert np.array_equal(few[3][1]["truth"], few[1][1]["truth"])
    with pytest.raises(IndexError):
        few[4]
    with pytest.raises(UsageError, match="the pool is -1"):
        UserEyeStream(2, pool=-1)


def test_the_eyes_of_users_know_their_gaze() -> None:
    train, valid = (TASKS["user_gaze"]([], 3, split, {"left_out": 1, "pool": 5}) for split in ("train", "valid"))
    assert isinstance(train, UserEyeStream) and isinstance(valid, UserEyeStream)
    assert {train.drawn(i).texture for i in range(5)} <= {0, 2, 3, 4}
    assert {valid.drawn(i).texture for i in range(5)} == {1}
    (eye,), wanted = valid[0]
    assert eye.shape == (3, 48, 80)
    assert wanted["gaze"].tolist() == pytest.approx(valid.drawn(0).eye.gaze)


def test_the_task(tmp_path: object) -> None:
    stream = TASKS["eye_pairs"]([], 1, "valid", {"length": 3, "left_out": 4})
    assert len(stream) == 3
    with pytest.raises(UsageError, match="draws its own eyes"):
        TASKS["eye_pairs"]([tmp_path], 1, "train", {})  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="textures 0 to 4"):
        TASKS["eye_pairs"]([], 1, "train", {"left_out": 5})
    with pytest.raises(UsageError, match="the scale is 3"):
        TASKS["eye_pairs"]([], 1, "train", {"scale": 3})
