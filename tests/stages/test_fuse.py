"""The fuse stage: its methods, their maps, and that knowing more frames pays."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from moving_portrait import film_shifts, psnr_inside
from small_networks import load

from mfrec.camera.forward import PSF
from mfrec.errors import UsageError
from mfrec.fusion.averages import mean_of, median_of
from mfrec.fusion.track_sources import consistency_with, sources_of
from mfrec.image.geometry import enlarge
from mfrec.pipeline import Run
from mfrec.stages.align import Align
from mfrec.stages.clean import Clean
from mfrec.stages.fuse import AGREEMENT, METHODS, SHARED, Fuse
from mfrec.types import FaceTrack, Observation

SHIFTS = ((0.0, 0.0), (0.5, 0.25), (-0.75, 0.5), (0.25, -0.5), (1.3, 0.8), (-0.4, -1.2), (0.9, -0.9))
BOX = np.array([8, 6, 32, 36], np.float32)


def aligned(filmed) -> FaceTrack:
    track = FaceTrack(tuple(Observation(frame, BOX, 1.0) for frame in filmed.frames))
    return Align(reference=0)(track, Run())


@pytest.fixture(scope="module")
def filmed(portrait):
    return film_shifts(portrait, SHIFTS, quality=(60, 50, 70, 45, 80, 55, 65))


@pytest.fixture(scope="module")
def track(filmed):
    return aligned(filmed)


@pytest.fixture(scope="module")
def fused(track):
    """By every method; the networks of ``learned`` have random weights."""
    cleaned = Clean()(track, Run(load=load))
    return {method: Fuse(method=method)(cleaned, Run(load=load)).fused for method in METHODS}


@pytest.mark.parametrize("method", METHODS)
def test_maps_keep_their_definitions(method, fused, track):
    result = fused[method]
    rows, columns = track.canvas.shape
    assert result.method == method
    assert result.image.shape == (rows, columns, 3)
    assert 0 <= result.image.min() <= result.image.max() <= 1
    total = result.weight.sum(axis=0)
    assert np.all((np.abs(total - 1) < 1e-4) | (total == 0))
    assert result.weight.min() >= 0
    assert 0 <= result.observed.min() <= result.observed.max() <= 1
    assert result.uncertainty.shape == (rows, columns)
    assert result.uncertainty.min() > 0
    assert result.consistency.shape == (len(SHIFTS),)
    assert np.isfinite(result.consistency).all()


def test_the_estimate_beats_mean_median_and_reference(fused, filmed):
    figures = {method: psnr_inside(result.image, filmed.truth) for method, result in fused.items()}
    plain = psnr_inside(enlarge(filmed.frames[0].image, 4), filmed.truth)
    assert figures["map"] > max(figures["mean"], figures["median"]) + 0.5
    assert figures["map"] > plain + 1.5


def test_the_estimate_explains_the_frames_better_than_the_mean_does(fused):
    assert fused["map"].consistency.mean() < 0.93 * fused["mean"].consistency.mean()


def test_a_second_registration_does_not_hurt(track, filmed, fused):
    once = Fuse(passes=1)(track, Run()).fused
    assert once is not None
    assert psnr_inside(fused["map"].image, filmed.truth) > psnr_inside(once.image, filmed.truth) - 0.05


def test_the_input_is_untouched(track):
    registrations = [o.registration for o in track.observations]
    out = Fuse()(track, Run())
    assert track.fused is None
    assert [o.registration for o in track.observations] == registrations
    assert out.fused is not None


def test_a_hidden_pixel_weighs_nothing(track):
    trust = np.ones(track.canvas.shape, np.float32)
    trust[60:100, 60:100] = 0
    target = track.observations[2]
    hidden = replace(target, registration=replace(target.registration, trust=trust))
    changed = replace(track, observations=(*track.observations[:2], hidden, *track.observations[3:]))
    for combine in (mean_of, median_of):
        _, weight = combine(sources_of(changed))
        assert weight[2, 60:100, 60:100].max() == 0
        assert weight[2, :40].max() > 0
        assert np.allclose(weight.sum(axis=0), 1, atol=1e-5)


def test_the_median_of_three_is_the_middle_one(filmed):
    three = replace(aligned(film_first(filmed, 3)))
    sources = sources_of(three)
    image, weight = median_of(sources)
    stack = np.stack([source.warped for source in sources])
    everywhere = np.all([source.registration.trust > 0 for source in sources], axis=0)
    assert everywhere.mean() > 0.8
    assert np.allclose(image[everywhere], np.clip(np.median(stack, axis=0), 0, 1)[everywhere], atol=1e-6)
    assert np.allclose(weight.sum(axis=0), 1)


def test_frames_of_one_value_share_the_median_alike(track):
    chief = sources_of(track)[0]
    others = [replace(chief, warped=chief.warped + np.float32(shift)) for shift in (0.1, 0.0, -0.1, 0.0)]
    image, weight = median_of([chief, *others])
    assert np.allclose(image, np.clip(chief.warped, 0, 1), atol=1e-6)
    assert np.allclose(weight, np.array([1, 0, 1, 0, 1])[:, None, None] / 3, atol=1e-6)
    assert np.allclose(median_of([chief, chief])[1], 0.5, atol=1e-6)


def test_one_frame_is_sharpened_and_called_mostly_prior(filmed, fused):
    alone = Fuse()(aligned(film_first(filmed, 1)), Run()).fused
    assert alone is not None
    assert np.allclose(alone.weight, 1)
    assert alone.observed.mean() < fused["map"].observed.mean() - 0.1
    assert psnr_inside(alone.image, filmed.truth) > psnr_inside(enlarge(filmed.frames[0].image, 4), filmed.truth)


def film_first(filmed, count):
    return replace(filmed, frames=filmed.frames[:count], shifts=filmed.shifts[:count])


def test_consistency_tells_a_wrong_picture(track, fused):
    right = consistency_with(track.observations, fused["map"].image, track.canvas, PSF["still"])
    wrong = consistency_with(track.observations, fused["map"].image[::-1].copy(), track.canvas, PSF["still"])
    assert wrong.min() > 3 * right.max()


def test_uncertainty_orders_the_errors(fused, filmed):
    inner = slice(12, -12)
    error = np.abs(fused["map"].image - filmed.truth).mean(axis=-1)[inner, inner].ravel()
    said = fused["map"].uncertainty[inner, inner].ravel()
    order = np.argsort(said)
    tenth = len(order) // 10
    assert error[order[:tenth]].mean() < error[order[-tenth:]].mean() / 2


def test_automatic_settings_follow_the_kind_of_frames(track):
    assert Fuse().settings(track).psf_sigma == PSF["still"]
    video = [replace(o, frame=replace(o.frame, jpeg=None, key=False, quantiser=31.0)) for o in track.observations]
    assert Fuse().settings(replace(track, observations=tuple(video))).psf_sigma == PSF["video"]
    assert Fuse(psf_sigma=0.5).settings(track).psf_sigma == 0.5


def test_a_network_judges_the_frames_more_strictly_than_what_they_made_themselves(track):
    automatic = [Fuse(method=method).settings(track).agreement for method in ("learned", "map")]
    assert automatic == [AGREEMENT["learned"], AGREEMENT["map"]]
    assert automatic[0] < automatic[1]
    assert Fuse(method="learned", agreement=0.05).settings(track).agreement == 0.05


def test_a_network_yields_less_to_frames_that_err_alike_than_a_smooth_prior(track):
    automatic = [Fuse(method=method).settings(track).shared for method in ("learned", "map")]
    assert automatic == [SHARED["learned"], SHARED["map"]]
    assert automatic[0] > automatic[1] > 0
    assert Fuse(shared=0.0).settings(track).shared == 0.0


def test_unknown_methods_and_counts_are_refused():
    with pytest.raises(UsageError, match="mean, median"):
        Fuse(method="best")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"fuse\.passes is 0; expected 1 to 10"):
        Fuse(passes=0)


def test_uncertainty_means_the_same_at_every_scale_and_number_of_frames(filmed):
    """Stated and real root-mean-square error stay within a factor of two, and one frame is not surer than seven."""
    from mfrec.image.geometry import resize

    for scale in (1, 2, 4):
        frames = tuple(Observation(frame, BOX, 1.0) for frame in filmed.frames)
        out = Fuse()(Align(reference=0, scale=scale)(FaceTrack(frames), Run()), Run()).fused
        assert out is not None
        truth = resize(filmed.truth, 40 * scale, 40 * scale, interpolation="area")
        inner = slice(3 * scale, -3 * scale)
        error = np.sqrt(((out.image - truth)[inner, inner] ** 2).mean())
        stated = np.sqrt((out.uncertainty[inner, inner] ** 2).mean())
        assert 0.5 < stated / error < (2 if scale > 1 else 4)
    alone = Fuse()(aligned(film_first(filmed, 1)), Run()).fused
    seven = Fuse()(aligned(filmed), Run()).fused
    assert alone is not None
    assert seven is not None
    assert alone.uncertainty.mean() > seven.uncertainty.mean()


@pytest.mark.parametrize(("reference_size", "other_size"), [(40, 160), (80, 40)])
def test_frames_of_other_sizes_help_or_at_least_do_not_hurt(portrait, reference_size, other_size):
    """Larger frames bring their detail, smaller ones are not taken for blurred pictures of the same size."""
    from mfrec.image.geometry import resize
    from mfrec.types import Frame

    cut = portrait[16:176, 16:176]
    moved = [portrait[16 + dy : 176 + dy, 16 + dx : 176 + dx] for dx, dy in ((2, 1), (-3, 2), (1, -2), (3, 3))]
    sizes = [reference_size] + [other_size] * 4
    frames = tuple(
        Observation(Frame(resize(image, size, size, interpolation="area"), k, f"{k}.png"), BOX * size / 40, 1.0)
        for k, (image, size) in enumerate(zip([cut, *moved], sizes, strict=True))
    )
    track = Align(reference=0, scale=160 // reference_size)(FaceTrack(frames), Run())
    one = Align(reference=0, scale=160 // reference_size)(FaceTrack(frames[:1]), Run())
    together, alone = (Fuse()(t, Run()).fused for t in (track, one))
    assert together is not None
    assert alone is not None
    gain = psnr_inside(together.image, cut) - psnr_inside(alone.image, cut)
    assert gain > (1.0 if other_size > reference_size else -0.1)


def test_the_quality_of_regions_decides_how_much_a_frame_gives_there(portrait):
    from mfrec.face.region_labels import labels_on_canvas
    from mfrec.pipeline import Pipeline
    from mfrec.stages.assess import Assess
    from mfrec.stages.parse import Parse
    from mfrec.stages.track import Track
    from mfrec.types import Region

    frames = tuple(Observation(frame) for frame in film_shifts(portrait, SHIFTS[:3], noise=1 / 255).frames)
    track = Pipeline([Track(), Align(reference=0), Parse(), Assess()])(FaceTrack(frames), Run())
    worse = dict(track.observations[1].quality)
    worse[Region.NOSE] = replace(worse[Region.NOSE], score=0.01)
    changed = replace(track.observations[1], quality=worse)
    after = replace(track, observations=(track.observations[0], changed, track.observations[2]))
    assert track.canvas is not None
    nose = labels_on_canvas(track.observations[0], track.canvas) == Region.NOSE
    shares = [Fuse()(t, Run()).fused.weight[1] for t in (track, after)]  # type: ignore[union-attr]
    assert shares[1][nose].mean() < 0.6 * shares[0][nose].mean()
    assert shares[1][:20].mean() == pytest.approx(shares[0][:20].mean(), rel=0.05)


def test_the_flow_that_was_asked_for_is_used_to_the_end(filmed):
    frames = tuple(Observation(frame, BOX, 1.0) for frame in filmed.frames)
    maps = []
    for patch in (12, 24):
        out = Fuse()(Align(reference=0, patch=patch)(FaceTrack(frames), Run()), Run())
        assert out.flow.patch == patch
        assert out.observations[1].registration is not None
        maps.append(out.observations[1].registration.look_up)
    assert np.abs(maps[0] - maps[1]).max() > 1e-3


def test_one_frame_that_makes_the_picture_is_named(portrait, filmed):
    from mfrec.types import Frame

    rng = np.random.default_rng(0)
    others = [Frame(rng.random((40, 40, 3)).astype(np.float32), k, f"{k}.png") for k in (1, 2)]
    frames = (Observation(filmed.frames[0], BOX, 1.0), *(Observation(frame, BOX, 1.0) for frame in others))
    out = Fuse()(Align(reference=0)(FaceTrack(frames), Run()), Run())
    assert any("comes from one frame" in warning for warning in out.warnings)
    assert not Fuse()(aligned(filmed), Run()).warnings


@pytest.mark.parametrize(
    "setting", [{"edge": 0.0}, {"prior_sigma": -1.0}, {"outer": 0}, {"registration_sigma": np.nan}]
)
def test_parameters_out_of_range_are_refused(setting):
    with pytest.raises(UsageError, match=r"fuse\.\w+ is .*; expected"):
        Fuse(**setting)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_a_network_of_one_enlargement_serves_every_scale(filmed, scale):
    frames = tuple(Observation(frame, BOX, 1.0) for frame in filmed.frames[:3])
    track = Clean()(Align(reference=0, scale=scale)(FaceTrack(frames), Run()), Run(load=load))
    results = [Fuse(method="learned")(track, Run(load=load)).fused for _ in range(2)]
    first, second = results
    assert first is not None
    assert second is not None
    assert track.canvas is not None
    assert track.fused is None
    assert first.image.shape == (*track.canvas.shape, 3) == (40 * scale, 40 * scale, 3)
    assert first.weight.shape == (3, *track.canvas.shape)
    assert first.observed.shape == first.uncertainty.shape == track.canvas.shape
    assert np.allclose(first.weight.sum(axis=0), 1, atol=1e-4)
    assert first.weight.min() >= 0
    assert 0 <= first.observed.min() <= first.observed.max() <= 1
    for name in ("image", "weight", "observed", "uncertainty"):
        assert getattr(first, name).dtype == np.float32
        assert np.array_equal(getattr(first, name), getattr(second, name))


def test_a_frame_without_trust_has_no_share_in_a_learned_picture(track):
    cleaned = Clean()(track, Run(load=load))
    assert cleaned.canvas is not None
    target = cleaned.observations[2]
    assert target.registration is not None
    blind = replace(target.registration, trust=np.zeros(cleaned.canvas.shape, np.float32))
    hidden = replace(target, registration=blind)
    changed = replace(cleaned, observations=(*cleaned.observations[:2], hidden, *cleaned.observations[3:]))
    fused = Fuse(method="learned")(changed, Run(load=load)).fused
    assert fused is not None
    assert fused.weight[2].max() == 0
    assert np.allclose(fused.weight.sum(axis=0), 1, atol=1e-4)


def test_the_frames_correct_a_network_that_is_not_sure(filmed):
    """The less a wrong network believes itself, the more of the picture is the frames'."""
    from mfrec.nets.fusion import Made

    class Grey(torch.nn.Module):
        """Says grey, with one standard deviation everywhere."""

        scale = 4

        def __init__(self, sigma: float) -> None:
            super().__init__()
            self.log_variance = torch.nn.Parameter(torch.tensor(2 * np.log(sigma)))

        def of_frames(self, frames, told, reference, progress):
            count, height, width = frames.shape
            grey = torch.full((1, 3, height, width), 0.5)
            weight = torch.full((1, count, height, width), 1 / count)
            return Made(grey, weight, torch.zeros_like(grey), self.log_variance.expand_as(grey[:, :1]))

    track = Clean()(aligned(filmed), Run(load=load))
    made = {}
    for sigma in (0.002, 0.02, 0.2):
        result = Fuse(method="learned")(track, Run(load=lambda _, sigma=sigma: Grey(sigma))).fused
        assert result is not None
        made[sigma] = result
    figures = [psnr_inside(made[sigma].image, filmed.truth) for sigma in (0.002, 0.02, 0.2)]
    assert figures == sorted(figures)
    assert figures[2] > figures[0] + 6
    observed = [made[sigma].observed.mean() for sigma in (0.002, 0.02, 0.2)]
    assert observed == sorted(observed)
    assert observed[0] < 0.1
    assert observed[2] > 0.8
    assert made[0.2].consistency.mean() < 0.3 * made[0.002].consistency.mean()
    # The error that the network predicts is measured to be right; one lessened by what the frames say is too small.
    assert made[0.2].uncertainty.mean() == pytest.approx(0.2)
