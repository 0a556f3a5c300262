"""The estimate: better than one frame and than the mean, and honest about who gave what."""

from dataclasses import replace

import numpy as np
import pytest
from moving_portrait import SCALE, film_shifts, psnr_inside

from mfrec.camera.forward import degrade
from mfrec.camera.noise import noise_of
from mfrec.fusion import robust
from mfrec.fusion.averages import mean_of
from mfrec.fusion.belief import believe, detail_energy, unlike
from mfrec.fusion.bounded import bound
from mfrec.fusion.conjugate_gradients import conjugate_gradients
from mfrec.fusion.data_term import precision_scalar, registration_variance
from mfrec.fusion.robust import estimate
from mfrec.fusion.source import MapSettings, as_source
from mfrec.image.colour import rgb_to_ycc
from mfrec.image.geometry import enlarge, resize
from mfrec.registration.dense import identity_registration, register

SHIFTS = ((0.0, 0.0), (0.5, 0.25), (-0.75, 0.5), (0.25, -0.5), (1.3, 0.8), (-0.4, -1.2), (0.9, -0.9))
SETTINGS = MapSettings()


def sources_of(filmed, images=None):
    target = enlarge(filmed.frames[0].image if images is None else images[0], SCALE)
    to_frame = filmed.canvas.from_reference.inverse()
    out = []
    for k, frame in enumerate(filmed.frames):
        image = frame.image if images is None else images[k]
        if k == 0:
            registration = identity_registration(filmed.canvas, image)
        else:
            registration = register(target, image, to_frame, filmed.canvas)
        out.append(as_source(image, registration, noise_of(frame), k == 0))
    return out, target


@pytest.fixture(scope="module")
def jpegs(portrait):
    return film_shifts(portrait, SHIFTS, quality=(60, 50, 70, 45, 80, 55, 65))


@pytest.fixture(scope="module")
def made(jpegs):
    sources, target = sources_of(jpegs)
    return sources, target, estimate(sources, target, jpegs.canvas, SETTINGS)


def test_beats_the_enlarged_reference_and_the_registered_mean(jpegs, made):
    sources, target, result = made
    mean, _ = mean_of(sources)
    got = psnr_inside(result.image, jpegs.truth)
    assert got > psnr_inside(target, jpegs.truth) + 1.5
    assert got > psnr_inside(mean, jpegs.truth) + 0.5


def test_without_colours_the_luma_is_the_same_and_each_channel_is_told_of(jpegs, made):
    sources, target, result = made
    told = []
    quick = estimate(sources, target, jpegs.canvas, SETTINGS, lambda: told.append(1), colours=False)
    assert len(told) == 1
    inner = (slice(8, -8), slice(8, -8))
    off = rgb_to_ycc(quick.image)[inner] - rgb_to_ycc(result.image)[inner]
    assert np.sqrt((off[..., 0] ** 2).mean()) < 0.002 < np.sqrt((off[..., 1:] ** 2).mean())


def test_colours_are_settled_after_one_reweighting(jpegs, made, monkeypatch):
    sources, target, result = made
    monkeypatch.setattr(robust, "COLOUR_ROUNDS", SETTINGS.outer)
    longer = estimate(sources, target, jpegs.canvas, SETTINGS)
    off = 255 * (rgb_to_ycc(longer.image) - rgb_to_ycc(result.image))
    assert 0 < np.sqrt((off[..., 1:] ** 2).mean()) < 0.5
    assert abs(psnr_inside(longer.image, jpegs.truth) - psnr_inside(result.image, jpegs.truth)) < 0.01


def test_a_solver_ends_where_it_is_settled():
    rng = np.random.default_rng(0)
    root = (rng.normal(size=(40, 40)) / 20).astype(np.float32)
    matrix, truth = np.eye(40, dtype=np.float32) + root @ root.T, rng.normal(size=40).astype(np.float32)
    asked, x = [], np.zeros(40, np.float32)
    conjugate_gradients(lambda v: asked.append(1) or matrix @ v, matrix @ truth, x, 200)
    assert 2 < len(asked) < 12
    assert np.abs(x - truth).max() < 0.01 * np.abs(truth).max()


def test_what_was_found_before_is_not_found_again(jpegs, made):
    sources, target, _ = made
    known = unlike(sources, SCALE)
    assert np.array_equal(believe(sources, target, SCALE, SETTINGS, known), believe(sources, target, SCALE, SETTINGS))


def test_more_frames_are_better(jpegs, made):
    sources, target, result = made
    alone = estimate(sources[:1], target, jpegs.canvas, SETTINGS)
    three = estimate(sources[:3], target, jpegs.canvas, SETTINGS)
    figures = [psnr_inside(e.image, jpegs.truth) for e in (alone, three, result)]
    assert figures[0] > psnr_inside(target, jpegs.truth)
    assert figures[1] > figures[0] + 0.2
    assert figures[2] > figures[1] + 0.2


def test_maps_keep_their_definitions(jpegs, made):
    _, _, result = made
    assert result.image.shape == jpegs.truth.shape
    assert result.image.min() >= 0
    assert result.image.max() <= 1
    assert result.weight.shape == (len(SHIFTS), *jpegs.canvas.shape)
    assert result.weight.min() >= 0
    assert np.allclose(result.weight.sum(axis=0), 1, atol=1e-5)
    assert result.observed.min() > 0
    assert result.observed.max() < 1


def test_twice_the_same_bits(jpegs, made):
    sources, target, result = made
    again = estimate(sources, target, jpegs.canvas, SETTINGS)
    assert np.array_equal(again.image, result.image)
    assert np.array_equal(again.weight, result.weight)


def test_order_of_frames_changes_nothing_but_rounding(jpegs, made):
    sources, target, result = made
    order = [3, 0, 6, 1, 5, 2, 4]
    shuffled = estimate([sources[i] for i in order], target, jpegs.canvas, SETTINGS)
    assert np.abs(shuffled.image - result.image).max() < 1e-4
    assert np.abs(shuffled.weight - result.weight[order]).max() < 1e-4


def test_a_pixel_that_no_frame_shows_weighs_nothing_and_is_not_observed(jpegs, made):
    sources, target, _ = made
    hidden = np.ones(jpegs.canvas.shape, np.float32)
    hidden[40:100, 40:100] = 0
    blind = [replace(s, registration=replace(s.registration, trust=s.registration.trust * hidden)) for s in sources]
    result = estimate(blind, target, jpegs.canvas, SETTINGS)
    assert result.weight[:, 60:80, 60:80].max() == 0
    assert result.observed[60:80, 60:80].max() == 0
    assert np.isfinite(result.image).all()


def test_a_coarser_file_weighs_less(portrait):
    filmed = film_shifts(portrait, SHIFTS[:4], quality=(80, 80, 15, 80))
    sources, target = sources_of(filmed)
    share = estimate(sources, target, filmed.canvas, SETTINGS).weight.mean(axis=(1, 2))
    assert share[2] < 0.5 * min(share[1], share[3])


def test_a_frame_of_something_else_is_hardly_believed_and_costs_little(portrait, jpegs, made):
    sources, target, result = made
    images = [frame.image for frame in jpegs.frames]
    images[4] = np.ascontiguousarray(resize(portrait, 40, 40, interpolation="area")[::-1])
    foreign, _ = sources_of(jpegs, images)
    spoilt = estimate(foreign, target, jpegs.canvas, SETTINGS)
    without = estimate(sources[:4] + sources[5:], target, jpegs.canvas, SETTINGS)
    assert spoilt.weight[4].mean() < 0.5 * result.weight[4].mean()
    assert psnr_inside(spoilt.image, jpegs.truth) > psnr_inside(without.image, jpegs.truth) - 0.4


@pytest.mark.parametrize("blurred", [0, 3])
def test_a_blurred_patch_yields_to_the_sharp_frames(portrait, blurred):
    """The patch is blurred in one frame, be it the reference; the others are sharp there."""
    from mfrec.image.filters import gaussian

    filmed = film_shifts(portrait, SHIFTS, quality=(90,) * 7)
    images = [frame.image.copy() for frame in filmed.frames]
    patch = np.zeros(images[0].shape[:2], np.float32)
    patch[14:26, 12:28] = 1
    soft = gaussian(patch, 0.7)[..., None]
    images[blurred] = soft * gaussian(images[blurred], 2.0) + (1 - soft) * images[blurred]
    sources, target = sources_of(filmed, images)
    result = estimate(sources, target, filmed.canvas, SETTINGS)
    weight = result.weight[blurred]
    inside, outside = weight[68:92, 60:100].mean(), weight[:40].mean()
    assert inside < 0.5 * outside
    where = slice(60, 100), slice(52, 108)
    whole, undamaged_target = sources_of(filmed)
    undamaged = estimate(whole, undamaged_target, filmed.canvas, SETTINGS)
    error, best, before = (
        ((picture - filmed.truth)[where] ** 2).mean() for picture in (result.image, undamaged.image, target)
    )
    if blurred == 0:  # most of what the patch has cost comes back from the other frames
        assert error - best < 0.45 * (before - best)
    else:
        assert error < 1.2 * best


def test_detail_energy_falls_with_blur(portrait):
    from mfrec.image.filters import gaussian

    grey = portrait.mean(axis=-1)
    energies = [detail_energy(g, 4).mean() for g in (grey, gaussian(grey, 2), gaussian(grey, 4), gaussian(grey, 8))]
    assert energies == sorted(energies, reverse=True)


def test_belief_is_a_share(jpegs, made):
    sources, target, _ = made
    belief = believe(sources, target, SCALE, SETTINGS)
    assert belief.min() >= 0
    assert belief.max() <= 1
    assert belief[0].mean() > belief[1:].mean()


def test_sharpening_does_not_amplify_the_blocks_of_a_coarse_jpeg(portrait):
    """Knowing the quantiser must pay: at quality 20, white noise of the same power does worse."""
    filmed = film_shifts(portrait, SHIFTS, quality=(20,) * 7)
    sources, target = sources_of(filmed)
    knows = estimate(sources, target, filmed.canvas, SETTINGS)
    flat = np.full((8, 8), sources[0].noise.luma.mean(), np.float32)
    ignorant = [replace(s, noise=replace(s.noise, luma=flat, chroma=flat)) for s in sources]
    does_not = estimate(ignorant, target, filmed.canvas, SETTINGS)
    assert psnr_inside(knows.image, filmed.truth) > psnr_inside(does_not.image, filmed.truth) + 0.2
    assert psnr_inside(knows.image, filmed.truth) > psnr_inside(target, filmed.truth) + 0.5


def flat(jpegs, value):
    """The same standard deviation at every pixel of the canvas."""
    return np.full(jpegs.canvas.shape, value, np.float32)


def misfit(sources, image, canvas):
    """Root-mean-square difference between the frames and what they would have shown of a picture."""
    differences = [
        np.nanmean((degrade(image, s.registration, canvas, SETTINGS.psf_sigma) - s.image) ** 2) for s in sources
    ]
    return float(np.sqrt(np.mean(differences)))


def test_a_prior_that_is_right_and_sure_stays(jpegs, made):
    sources, _, _ = made
    result = bound(sources, jpegs.truth, flat(jpegs, 1e-3), jpegs.canvas, SETTINGS)
    assert np.abs(result.image - jpegs.truth).max() < 1 / 255
    assert result.observed.max() < 0.1


def test_a_prior_that_is_wrong_and_unsure_goes_to_the_frames(jpegs, made):
    sources, target, _ = made
    wrong = np.clip(target + 0.15, 0, 1)
    before = misfit(sources, wrong, jpegs.canvas)
    figures = [before]
    for sigma in (0.01, 0.1, 1.0):
        result = bound(sources, wrong, flat(jpegs, sigma), jpegs.canvas, SETTINGS)
        figures.append(misfit(sources, result.image, jpegs.canvas))
    assert figures == sorted(figures, reverse=True)
    assert figures[-1] < 0.2 * before
    assert psnr_inside(result.image, jpegs.truth) > psnr_inside(wrong, jpegs.truth) + 6


def test_observed_is_a_share_that_falls_as_the_prior_gets_surer(jpegs, made):
    sources, target, _ = made
    shares = []
    for sigma in (0.3, 0.03, 0.003):
        result = bound(sources, target, flat(jpegs, sigma), jpegs.canvas, SETTINGS)
        assert 0 <= result.observed.min() <= result.observed.max() <= 1
        assert np.allclose(result.share.sum(axis=0), 1, atol=1e-4)
        shares.append(result.observed)
    assert np.all(shares[0] > shares[1])
    assert np.all(shares[1] > shares[2])


def test_the_prior_yields_only_where_it_is_unsure(jpegs, made):
    sources, target, _ = made
    sigma = flat(jpegs, 0.002)
    sigma[:, 80:] = 0.2
    wrong = np.clip(target + 0.1, 0, 1)
    moved = np.abs(bound(sources, wrong, sigma, jpegs.canvas, SETTINGS).image - wrong).mean(axis=-1)
    assert moved[20:-20, 10:70].mean() < 0.1 * moved[20:-20, 90:-10].mean()


def test_colour_moves_as_little_as_the_prior_is_sure_of_it_and_luma_as_before(jpegs, made):
    sources, target, _ = made
    wrong = np.clip(target * np.array([1.1, 1.0, 0.8], np.float32), 0, 1)
    sigma = flat(jpegs, 0.05)
    moved = []
    for chroma in (1.0, 0.3, 1e-3):
        image = bound(sources, wrong, sigma, jpegs.canvas, SETTINGS, chroma=chroma).image
        moved.append(np.abs(rgb_to_ycc(image) - rgb_to_ycc(wrong)).mean(axis=(0, 1)))
    luma, blue, red = np.array(moved).T
    assert blue[0] > blue[1] > 10 * blue[2]
    assert red[0] > red[1] > 10 * red[2]
    assert np.allclose(luma, luma[0], rtol=0.05)  # but where RGB ends


def test_ten_steps_reach_the_solution_where_certainty_varies(jpegs, made):
    """Certainty varies a hundredfold over the canvas, as that of a network does."""
    sources, target, _ = made
    across = np.linspace(0, 1, jpegs.canvas.shape[1], dtype=np.float32)
    sigma = np.broadcast_to(0.003 * 100.0**across, jpegs.canvas.shape).astype(np.float32)
    wrong = np.clip(target + 0.1, 0, 1)
    results = [bound(sources, wrong, sigma, jpegs.canvas, replace(SETTINGS, inner=n)).image for n in (10, 200)]
    assert np.sqrt(((results[0] - results[1]) ** 2).mean()) < 0.03 * np.sqrt(((results[1] - wrong) ** 2).mean())


def test_a_bound_needs_only_the_windows_of_the_frames(portrait):
    """A small canvas in a large frame gives what the same canvas gives in a frame that is no larger than its window."""
    from mfrec.types import Canvas, Frame

    side, canvas = 96, Canvas(40, 32, 16, 16, 4)
    image = resize(portrait, side, side, interpolation="area")
    registration = identity_registration(canvas, image)
    x0, y0 = registration.window
    rows, columns = registration.landing.shape[:2]
    assert rows < side
    noise = noise_of(Frame(image, 0, "0.png"))
    large = [as_source(image, registration, noise, True)]
    inner = image[y0 : y0 + rows, x0 : x0 + columns]
    small_canvas = Canvas(40 - x0, 32 - y0, 16, 16, 4)
    small = [as_source(inner, identity_registration(small_canvas, inner), noise, True)]
    prior = np.full((64, 64, 3), 0.5, np.float32)
    sigma = np.full((64, 64), 1.0, np.float32)
    results = [bound(s, prior, sigma, c, SETTINGS) for s, c in ((large, canvas), (small, small_canvas))]
    assert np.abs(results[0].image - results[1].image).max() < 1e-4
    seen = image[canvas.y0 : canvas.y0 + 16, canvas.x0 : canvas.x0 + 16]
    shrunk = resize(results[0].image, 16, 16, interpolation="area")
    assert np.abs(shrunk - seen).mean() < 0.5 * np.abs(0.5 - seen).mean()


def test_a_bound_is_repeatable_and_leaves_its_prior_alone(jpegs, made):
    sources, target, _ = made
    prior, sigma = target.copy(), flat(jpegs, 0.05)
    first, second = (bound(sources, prior, sigma, jpegs.canvas, SETTINGS) for _ in range(2))
    assert np.array_equal(first.image, second.image)
    assert first.image.dtype == first.share.dtype == first.observed.dtype == np.float32
    assert np.array_equal(prior, target)


def test_noise_in_place_of_the_others_does_not_discredit_the_reference(jpegs):
    """Noise is full of detail, and the reference is not to be called soft beside it."""
    rng = np.random.default_rng(0)
    noise = [rng.random(frame.image.shape, np.float32) for frame in jpegs.frames]
    images = [jpegs.frames[0].image, *noise[1:]]
    sources, target = sources_of(jpegs, images)
    belief = believe(sources, target, SCALE, SETTINGS)
    assert np.median(belief[0]) > 0.8
    assert np.median(belief[1:]) < 0.02
    result = estimate(sources, target, jpegs.canvas, SETTINGS)
    assert psnr_inside(result.image, jpegs.truth) > psnr_inside(target, jpegs.truth) - 2.0


def test_what_the_frames_get_wrong_alike_does_not_average_out(jpegs):
    """However many frames, their precision together stays below one over the common variance."""
    sources, _ = sources_of(jpegs)
    chief = next(source for source in sources if source.is_reference)
    other = next(source for source in sources if not source.is_reference)
    missed = replace(other, registration=replace(other.registration, closure=0.2))
    settings = MapSettings(shared=30 / 255)
    common = (settings.shared * 0.2) ** 2
    together = [(n - 1) * precision_scalar(missed, settings, n) for n in (2, 3, 7, 31, 1000)]
    assert together == sorted(together)
    assert 0.9 / common < together[-1] < 1 / common
    # Frames whose flows meet are as good as they ever were, and the reference is registered exactly.
    met = replace(other, registration=replace(other.registration, closure=0.0))
    assert registration_variance(met, settings, 1000) == settings.registration_sigma**2
    assert registration_variance(chief, settings, 1000) == 0
    # What a frame that shows nothing misses by.
    nothing = replace(other, registration=replace(other.registration, closure=float("inf")))
    assert precision_scalar(nothing, settings, 7) == 0
    assert precision_scalar(nothing, MapSettings(), 7) > 0


def test_frames_that_were_misplaced_move_a_picture_less_the_more_their_flows_missed(jpegs, made):
    sources, target, _ = made
    observed = []
    for closure in (0.0, 0.1, 0.4):
        missed = [
            s if s.is_reference else replace(s, registration=replace(s.registration, closure=closure)) for s in sources
        ]
        result = bound(missed, target, flat(jpegs, 0.02), jpegs.canvas, MapSettings(shared=30 / 255))
        observed.append(result.observed.mean())
    assert observed[0] > observed[1] > observed[2]
