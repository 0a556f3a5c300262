"""A frame that the others predict: the number is about 1 for what belongs there, and rises for what does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mfrec.camera.forward import degrade
from mfrec.camera.noise import ijg_tables
from mfrec.fusion import left_out_frame
from mfrec.fusion.left_out_frame import LeftOut, in_words, misfit, overall, predict_left_out
from mfrec.fusion.source import MapSettings, Source
from mfrec.fusion.track_sources import sources_of
from mfrec.image.colour import rgb_to_ycc
from mfrec.pipeline import Run
from mfrec.recipe import load
from mfrec.reconstruction import reconstruct, without_one
from mfrec.stages.fuse import Fuse
from mfrec.types import FloatArray, Reconstruction


@pytest.fixture(scope="module")
def made(sequence: Path) -> Reconstruction:
    return reconstruct(sequence, recipe="evidence")


@pytest.fixture(scope="module")
def settings(made: Reconstruction) -> MapSettings:
    return next(stage for stage in load("evidence").stages if isinstance(stage, Fuse)).settings(made.track)


def predicted(
    made: Reconstruction, settings: MapSettings, sources: list[Source], face: FloatArray | None = None
) -> tuple[LeftOut, ...]:
    assert made.track.canvas is not None
    everywhere = np.ones(made.track.canvas.shape, np.float32)
    return predict_left_out(sources, made.image, everywhere if face is None else face, made.track.canvas, settings)


def test_frames_that_belong_together_predict_each_other(made: Reconstruction) -> None:
    said = made.record["left_out_frame"]
    assert 0.2 < said["ratio"] < 1.5
    assert len(said["frames"]) == left_out_frame.MOST
    assert made.record["reference"]["index"] not in [frame["index"] for frame in said["frames"]]
    assert "nothing but that noise is seen" in said["text"]


def test_a_frame_that_is_misplaced_or_of_something_else_is_seen(made: Reconstruction, settings: MapSettings) -> None:
    sources = sources_of(made.track)
    real = predicted(made, settings, sources)
    assert made.track.canvas is not None
    k = real[1].position
    landing = sources[k].registration.landing
    numbers = [real[1].ratio]
    for pixels in (1, 2):
        moved = replace(sources[k].registration, landing=landing + np.float32(pixels * made.track.canvas.scale))
        others = [*sources[:k], replace(sources[k], registration=moved), *sources[k + 1 :]]
        numbers.append(predicted(made, settings, others)[1].ratio)
    mirrored = replace(sources[k], image=sources[k].image[::-1])
    numbers.append(predicted(made, settings, [*sources[:k], mirrored, *sources[k + 1 :]])[1].ratio)
    assert numbers[1] > 1.8 * numbers[0]
    assert numbers[1] < numbers[2]
    assert numbers[3] > 3 * numbers[0]
    assert overall([LeftOut(k, numbers[3])]) > 3
    assert "do not predict each other" in in_words([LeftOut(k, numbers[3])])


def test_a_frame_that_is_predicted_up_to_its_quantiser_has_one(made: Reconstruction, settings: MapSettings) -> None:
    """What differs are errors of just the size that the tables say, coefficient by coefficient."""
    from scipy.fft import idctn

    from mfrec.camera.noise import BLOCK, from_tables

    source, canvas = sources_of(made.track)[0], made.track.canvas
    assert canvas is not None
    noise = from_tables(ijg_tables(50), "a test")
    expected = degrade(made.image, source.registration, canvas, settings.psf_sigma)
    rng = np.random.default_rng(3)
    rows, columns = (-(-side // BLOCK) for side in expected.shape[:2])
    errors = rng.normal(size=(rows, columns, BLOCK, BLOCK)) * np.sqrt(noise.luma)
    plane = idctn(errors, axes=(2, 3), norm="ortho").swapaxes(1, 2).reshape(rows * BLOCK, columns * BLOCK)
    seen = np.nan_to_num(expected) + plane[: expected.shape[0], : expected.shape[1], None].astype(np.float32)
    x0, y0 = source.registration.window
    shifted = replace(noise, phase=(x0 % BLOCK, y0 % BLOCK))
    whole = np.ones(canvas.shape, np.float32)
    found = misfit(
        replace(source, image=seen, noise=shifted), rgb_to_ycc(made.image)[..., 0], whole, canvas, settings.psf_sigma
    )
    assert found == pytest.approx(1.0, abs=0.1)


def test_only_the_face_is_looked_at(made: Reconstruction, settings: MapSettings) -> None:
    sources = sources_of(made.track)
    nothing = np.zeros(made.uncertainty.shape, np.float32)
    assert predicted(made, settings, sources, nothing) == ()
    assert "no frame could be left out" in in_words(())
    alone = [source for source in sources if source.is_reference]
    assert predicted(made, settings, alone) == ()


def test_it_costs_little(made: Reconstruction, sequence: Path) -> None:
    """Processor time of all that it does, against the run that it is part of."""
    import time

    begin = time.process_time()
    reconstruct(sequence, recipe="evidence")
    whole = time.process_time() - begin
    fuse = next(stage for stage in load("evidence").stages if isinstance(stage, Fuse))
    times = []
    for _ in range(3):
        begin = time.process_time()
        without_one(made.track, fuse)
        times.append(time.process_time() - begin)
    assert min(times) < 0.15 * whole


def test_it_does_not_touch_what_it_looks_at(made: Reconstruction, settings: MapSettings) -> None:
    sources = sources_of(made.track)
    before = [source.image.copy() for source in sources]
    first = predicted(made, settings, sources)
    assert predicted(made, settings, sources) == first
    for source, image in zip(sources, before, strict=True):
        np.testing.assert_array_equal(source.image, image)
    assert Run().steps == []
