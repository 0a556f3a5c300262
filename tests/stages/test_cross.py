"""Cross-over: what a source may change, how it is blended, and the record of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from schematic_face import face

from mfrec.errors import UsageError
from mfrec.face.region_labels import label_regions, regions_shown
from mfrec.face.regions import FEATURES
from mfrec.fusion.crossover import METHODS, cross_over, cross_over_learned, feather_width, match_seam
from mfrec.image.geometry import identity_map, resize
from mfrec.pipeline import Pipeline, Run
from mfrec.stages.cross import Cross, better_sources
from mfrec.stages.parse import Parse
from mfrec.types import (
    ByHand,
    Canvas,
    Cleaned,
    FaceTrack,
    FloatArray,
    Frame,
    Observation,
    Quality,
    Region,
    Registration,
)

CANVAS = Canvas(0, 0, 32, 32, 4)


def texture(seed: int, shape: tuple[int, int] = (64, 64)) -> FloatArray:
    """Smooth random colours in [0.2, 0.8]."""
    noise = np.random.default_rng(seed).random((*shape, 3)).astype(np.float32)
    return (0.2 + 0.6 * cv2.GaussianBlur(noise, (0, 0), 1.5)).astype(np.float32)


def disc(radius: float, shape: tuple[int, int] = (64, 64)) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(x - shape[1] / 2, y - shape[0] / 2) < radius


def registration(trust: FloatArray | None = None) -> Registration:
    """A frame that does not move."""
    height, width = CANVAS.shape
    look_up = CANVAS.from_reference.inverse().apply(identity_map(height, width)).astype(np.float32)
    landing = CANVAS.from_reference.apply(identity_map(32, 32)).astype(np.float32)
    trusted = np.ones((height, width), np.float32) if trust is None else trust
    return Registration(look_up, landing, trusted, np.ones(3, np.float32), np.zeros(3, np.float32), 0.0, 0.0, 0.0)


def track_of(images: Sequence[FloatArray], trust: dict[int, FloatArray] | None = None, best: int = 1) -> FaceTrack:
    """Frames of one still face, ranked with frame ``best`` first and the reference, frame 0, last."""
    observations = tuple(
        Observation(Frame(image, i, f"array {i}"), landmarks=face(32), registration=registration((trust or {}).get(i)))
        for i, image in enumerate(images)
    )
    order = (best, *(i for i in range(len(images) - 1, -1, -1) if i != best))
    track = FaceTrack(observations, reference=0, canvas=CANVAS, sources=dict.fromkeys(Region, order))
    return Parse(method="polygons")(track, Run())


@pytest.fixture(scope="module")
def three() -> FaceTrack:
    return track_of([texture(i, (32, 32)) for i in range(3)])


@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 50), feather=st.floats(0, 20))
@settings(max_examples=15, deadline=None)
def test_an_empty_mask_is_the_identity(method: str, seed: int, feather: float) -> None:
    target = texture(seed)
    np.testing.assert_array_equal(
        cross_over(target, texture(seed + 1), np.zeros((64, 64), bool), method, feather), target
    )


@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 50), feather=st.floats(0, 20))
@settings(max_examples=15, deadline=None)
def test_a_full_mask_gives_the_source(method: str, seed: int, feather: float) -> None:
    source = texture(seed)
    out = cross_over(texture(seed + 1), source, np.ones((64, 64), bool), method, feather)
    np.testing.assert_allclose(out, source, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_middle_of_the_mask_is_the_source_and_beyond_it_is_the_target(method: str) -> None:
    target, source, mask = texture(1), texture(2), disc(24)
    out = cross_over(target, source, mask, method, 4.0)
    np.testing.assert_array_equal(out[~mask], target[~mask])
    np.testing.assert_allclose(out[disc(6)], source[disc(6)], atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
@given(strength=st.floats(0, 1))
@settings(max_examples=15, deadline=None)
def test_strength_scales_the_change(method: str, strength: float) -> None:
    target, source, mask = texture(1), texture(2), disc(20).astype(np.float32)
    whole = cross_over(target, source, mask, method, 4.0) - target
    part = cross_over(target, source, mask * np.float32(strength), method, 4.0) - target
    np.testing.assert_allclose(part, strength * whole, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_a_masked_pixel_of_the_source_weighs_nothing(method: str) -> None:
    target, source, mask = texture(1), texture(2), disc(20)
    other = np.where(mask[..., None], source, 1 - source)
    np.testing.assert_array_equal(
        cross_over(target, source, mask, method, 5.0), cross_over(target, other, mask, method, 5.0)
    )


@pytest.mark.parametrize("method", ["soft", "pyramid"])
def test_the_share_of_the_source_falls_towards_the_border(method: str) -> None:
    zeros, ones = np.zeros((64, 64, 1), np.float32), np.ones((64, 64, 1), np.float32)
    share = cross_over(zeros, ones, disc(24), method, 8.0)[32, 32:, 0]
    assert share[0] == pytest.approx(1, abs=0.02) and share[-1] == 0
    assert (np.diff(share) <= 1e-3).all()
    assert 3 <= np.count_nonzero((share > 0.02) & (share < 0.98)) <= 16


def test_the_pyramid_blends_broad_shades_over_more_pixels_than_detail() -> None:
    x = np.arange(64)
    zeros = np.zeros((64, 64, 1), np.float32)
    flat = np.full((64, 64, 1), 1.0, np.float32)
    stripes = np.broadcast_to((x % 2)[None, :, None], (64, 64, 1)).astype(np.float32)
    mask = np.broadcast_to(x < 40, (64, 64))

    def width(share: np.ndarray) -> int:
        return int(np.count_nonzero((share > 0.05) & (share < 0.95)))

    broad = cross_over(zeros, flat, mask, "pyramid", 16.0)[32, :, 0]
    fine = np.abs(np.diff(cross_over(zeros, stripes, mask, "pyramid", 16.0)[32, :, 0]))
    assert width(fine) < width(broad)


def test_feather_follows_the_size_of_the_region() -> None:
    masks = label_regions((128, 128), face(128))
    skin = feather_width(masks.mask(Region.SKIN))
    nose = feather_width(masks.mask(Region.NOSE))
    eye = feather_width(masks.mask(Region.L_EYE))
    assert 1 <= eye < nose
    assert eye < skin / 3
    assert feather_width(disc(20)) == pytest.approx(10, abs=0.6)
    assert feather_width(disc(20), softness=0.25) == pytest.approx(5, abs=0.4)
    assert feather_width(np.zeros((8, 8), bool)) == 1


def seam_step(image: FloatArray, mask: np.ndarray) -> float:
    """Mean absolute step between neighbours on both sides of the mask's border."""
    across = mask[:, 1:] != mask[:, :-1]
    return float(np.abs(image[:, 1:] - image[:, :-1]).mean(axis=-1)[across].mean())


@pytest.mark.parametrize("method", METHODS)
def test_a_brightened_source_leaves_no_seam(method: str) -> None:
    target = texture(3)
    slope = np.linspace(-0.05, 0.05, 64, dtype=np.float32)[None, :, None]
    source = np.clip(target + 0.15 + slope, 0, 1)
    mask = disc(20)
    ring = disc(24) & ~mask
    plain = seam_step(cross_over(target, source, mask, "sharp", 1.0), mask)
    matched = cross_over(target, match_seam(source, target, ring), mask, method, 4.0)
    natural = seam_step(target, mask)
    assert plain > 5 * natural
    assert seam_step(matched, mask) < 1.1 * natural
    np.testing.assert_allclose(matched, target, atol=5e-3)


def test_matching_keeps_the_detail_of_the_source() -> None:
    source = texture(3)
    blurred = cv2.GaussianBlur(source, (0, 0), 5) - np.float32(0.1)
    matched = match_seam(source, blurred, disc(24) & ~disc(20))
    detail = [image - cv2.GaussianBlur(image, (0, 0), 3) for image in (source, matched)]
    inside = disc(18)
    assert np.std(detail[1][inside]) == pytest.approx(np.std(detail[0][inside]), rel=0.02)


def test_matching_without_a_ring_changes_nothing() -> None:
    np.testing.assert_array_equal(match_seam(texture(1), texture(2), np.zeros((64, 64), bool)), texture(1))


def test_wrong_calls_are_refused() -> None:
    with pytest.raises(UsageError, match="soft, sharp, pyramid"):
        cross_over(texture(1), texture(2), disc(9), "blurry", 2.0)
    with pytest.raises(UsageError, match="soft, sharp, pyramid"):
        Cross(method="blurry")  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="did you mean 'eyes'"):
        Cross(regions=("eyess",))
    with pytest.raises(ValueError, match="one size"):
        cross_over(texture(1), texture(2), np.ones((8, 8), bool), "soft", 2.0)
    with pytest.raises(UsageError, match="needs"):
        Pipeline([Cross()])


@pytest.mark.parametrize("method", METHODS)
def test_weights_sum_to_one_and_name_the_source(three: FaceTrack, method: Literal["soft", "sharp", "pyramid"]) -> None:
    fused = Cross(method=method)(three, Run()).fused
    assert fused is not None
    np.testing.assert_allclose(fused.weight.sum(axis=0), 1, atol=1e-5)
    assert fused.weight.min() >= 0
    nose = tuple(np.rint(CANVAS.from_reference.apply(face(32).points[30])).astype(int)[::-1])
    assert fused.weight[(1, *nose)] > 0.9
    assert fused.weight[0, 0, 0] == 1 and fused.weight[2].max() == 0


def test_without_regions_the_reference_stays(three: FaceTrack) -> None:
    fused = Cross(regions=())(three, Run()).fused
    assert fused is not None
    assert (fused.weight[0] == 1).all()
    assert fused.consistency[0] < 0.02 < fused.consistency[1]


def test_a_distrusted_pixel_weighs_nothing() -> None:
    trust = np.ones(CANVAS.shape, np.float32)
    trust[:, 60:70] = 0
    fused = Cross(regions=("skin",))(track_of([texture(i, (32, 32)) for i in range(2)], {1: trust}), Run()).fused
    assert fused is not None
    assert fused.weight[1].max() > 0.9
    assert (fused.weight[1][trust == 0] == 0).all()


def test_a_source_that_hardly_shows_the_region_is_passed_over() -> None:
    hidden = np.zeros(CANVAS.shape, np.float32)
    fused = Cross(regions=("nose",))(track_of([texture(i, (32, 32)) for i in range(3)], {1: hidden}), Run()).fused
    assert fused is not None
    assert fused.weight[1].max() == 0 and fused.weight[2].max() > 0.9


def test_a_feature_comes_from_one_frame(three: FaceTrack) -> None:
    sources = {**three.sources, Region.L_EYE: (1, 2, 0), Region.R_EYE: (2, 1, 0)}
    fused = Cross(regions=("eyes",))(replace(three, sources=sources), Run()).fused
    assert fused is not None
    assert np.count_nonzero(fused.weight[1:].max(axis=(1, 2))) == 1
    single = Cross(regions=("l_eye", "r_eye"))(replace(three, sources=sources), Run()).fused
    assert single is not None
    assert (single.weight[1:].max(axis=(1, 2)) > 0.9).all()


def test_only_what_scores_higher_than_the_reference_replaces_it(three: FaceTrack) -> None:
    def scored(values: Sequence[float]) -> FaceTrack:
        quality = [{r: Quality(v, 1, 1, 0, 0, 1, 0, 1, 0.1) for r in Region} for v in values]
        return replace(
            three, observations=tuple(replace(o, quality=q) for o, q in zip(three.observations, quality, strict=True))
        )

    assert better_sources(scored([0.5, 0.9, 0.7]), FEATURES["eyes"], 0.05) == [1, 2]
    assert better_sources(scored([0.5, 0.9, 0.52]), FEATURES["eyes"], 0.05) == [1]
    assert better_sources(scored([0.95, 0.9, 0.5]), FEATURES["eyes"], 0.05) == []
    assert better_sources(replace(three, sources={}), FEATURES["eyes"], 0.05) == []


class Mix(torch.nn.Module):
    """In the place of the network: this much of the source in the mask, and a third colour in the rest."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = torch.nn.Parameter(torch.tensor(share))

    def forward(self, source: torch.Tensor, target: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        mixed = self.share * source + (1 - self.share) * target
        return mask * mixed + (1 - mask) * 0.5


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_share_of_a_learned_cross_over_is_what_the_picture_took(share: float) -> None:
    target, source, mask = texture(1), texture(2), disc(20).astype(np.float32)
    image, found = cross_over_learned(Mix(share), target, source, mask, 4.0)
    assert np.array_equal(image[mask == 0], target[mask == 0])
    assert (found[mask == 0] == 0).all()
    assert found[disc(10)] == pytest.approx(share, abs=0.02)
    assert np.abs(image - (share * source + (1 - share) * target))[disc(14)].max() < 1e-5


def test_equal_pictures_have_the_shares_of_a_soft_cross_over() -> None:
    target, mask = texture(1), disc(20).astype(np.float32)
    image, found = cross_over_learned(Mix(0.5), target, target.copy(), mask, 4.0)
    assert np.abs(image - target).max() < 1e-5
    assert found[disc(14)] == pytest.approx(1.0)


def test_a_learned_cross_over_in_the_stage(three: FaceTrack) -> None:
    cards: list[str] = []

    def load(card: str) -> torch.nn.Module:
        cards.append(card)
        return Mix(1.0)

    stage = Cross(method="unet")
    fused = stage(three, Run(load=load)).fused
    assert fused is not None
    assert set(cards) == {"crossover_unet"}
    np.testing.assert_allclose(fused.weight.sum(axis=0), 1, atol=1e-5)
    assert fused.weight[1].max() > 0.9
    assert stage.learned and not Cross().learned


def test_cleaned_frames_are_crossed_over_where_all_were_cleaned(three: FaceTrack) -> None:
    def cleaned(value: float) -> Cleaned:
        return Cleaned(np.full((128, 128, 3), value, np.float32), np.full((128, 128), 0.1, np.float32), (0, 0), 4)

    greys = tuple(replace(o, cleaned=cleaned(0.2 + 0.3 * i)) for i, o in enumerate(three.observations))
    fused = Cross(method="sharp", regions=("nose",))(replace(three, observations=greys), Run()).fused
    raw = Cross(method="sharp", regions=("nose",))(three, Run()).fused
    some = Cross(method="sharp", regions=("nose",))(
        replace(three, observations=(*greys[:2], three.observations[2])), Run()
    ).fused
    assert fused is not None and raw is not None and some is not None
    outside = fused.weight[0] == 1
    assert outside.any() and np.allclose(fused.image[outside], 0.2, atol=1e-5)
    assert np.array_equal(some.image, raw.image), "with one frame raw, all are"


def test_the_input_is_unchanged(three: FaceTrack) -> None:
    frames = [o.frame.image.copy() for o in three.observations]
    out = Cross()(three, Run())
    assert three.fused is None and out.fused is not None
    for observation, image in zip(three.observations, frames, strict=True):
        np.testing.assert_array_equal(observation.frame.image, image)


def test_a_sharp_region_replaces_a_blurred_one() -> None:
    truth = texture(7, CANVAS.shape)
    sharp = resize(truth, 32, 32, interpolation="area")
    blurred = cv2.GaussianBlur(sharp, (0, 0), 3).astype(np.float32)
    track = track_of([blurred, sharp])
    plain = Cross(regions=())(track, Run()).fused
    assert plain is not None
    region = label_regions(CANVAS.shape, face(128)).mask(*FEATURES["nose"], *FEATURES["mouth"])
    methods: tuple[Literal["soft", "sharp", "pyramid"], ...] = ("soft", "sharp", "pyramid")
    for method in methods:
        crossed = Cross(method=method)(track, Run()).fused
        assert crossed is not None
        errors = [np.mean((fused.image - truth)[region] ** 2) for fused in (crossed, plain)]
        assert errors[0] < 0.6 * errors[1]


def test_a_source_by_hand_goes_before_the_ranking(three: FaceTrack) -> None:
    eyes = FEATURES["eyes"]
    plain = Cross(regions=("eyes",))(three, Run()).fused
    hand = ByHand("eyes", eyes, index=2, told="--source eyes=2")
    chosen = Cross(regions=("eyes",))(replace(three, by_hand=(hand,)), Run()).fused
    assert plain is not None and chosen is not None
    own = three.observations[0]
    assert own.registration is not None
    inside = np.isin(regions_shown(own, own.registration, CANVAS.shape), eyes)
    assert plain.weight[1][inside].mean() > 0.9
    assert chosen.weight[2][inside].mean() > 0.9
    # Half of a feature lies on top of it.
    half = ByHand("l_eye", (Region.L_EYE,), index=2, told="--source l_eye=2")
    both = Cross(regions=("eyes",))(replace(three, by_hand=(half,)), Run()).fused
    assert both is not None
    left, right = (regions_shown(own, own.registration, CANVAS.shape) == r for r in (Region.L_EYE, Region.R_EYE))
    assert both.weight[2][left].mean() > 0.9
    assert both.weight[1][right].mean() > 0.9
