"""Every sample can be made again from its record, and the draws are those of the trainings that were done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from few_pictures import few_pictures, write_labelled
from labelled_portraits import portrait
from patchwork_faces import patchwork_faces
from small_networks import small_clean

from mfrec.train.data.crops import Pose
from mfrec.train.data.labelled_faces import LabelledFace
from mfrec.train.data.pictures import Pictures, read_pictures
from mfrec.train.data.scenes import draw_strangers, make_scene
from mfrec.train.data.shots import draw_cut, draw_views
from mfrec.train.distil import DrawnBatch, draw_batch, draw_blend, draw_jitter, draw_spoiling, make_batch
from mfrec.train.streams.clean_stream import CleanStream, drifted
from mfrec.train.streams.crossover_stream import CrossoverStream, draw_ellipse, draw_light
from mfrec.train.streams.enlargement_stream import EnlargementStream
from mfrec.train.streams.eye_stream import EyeStream
from mfrec.train.streams.finetune_stream import FinetuneStream
from mfrec.train.streams.frame_stream import FrameStream
from mfrec.train.streams.parser_stream import ParserStream, draw_lighting, draw_occluder, draw_view
from mfrec.train.streams.portrait_stream import PortraitStream
from mfrec.train.streams.scene_stream import SceneStream, draw_variation
from mfrec.train.streams.stream import Sample, Stream


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """Stills, a sequence, and labelled frames."""
    folder: Path = tmp_path_factory.mktemp("labelled")
    for number in range(8):
        write_labelled(folder / f"{number}")
    good = few_pictures()
    return Pictures(good.stills, good.sequences, read_pictures([folder], "train").labelled)


def parser_stream(_: Pictures) -> ParserStream:
    return ParserStream(tuple(LabelledFace(name, *portrait(64)) for name in "abc"), 3, side=48)


STREAMS: dict[str, Callable[[Pictures], Stream[Any]]] = {
    "clean": lambda pictures: CleanStream(pictures, 3, side=64),
    "crossover": lambda pictures: CrossoverStream(pictures, 3, side=64),
    "enlargements": lambda pictures: EnlargementStream(
        [pictures.every], 3, height=48, width=48, view="whole", jitter=0.2, augmentation="hard"
    ),
    "eyes": lambda _: EyeStream(3),
    "finetune": lambda pictures: FinetuneStream(pictures, 3, side=64),
    "frames": lambda pictures: FrameStream(pictures, 3, side=64, holes=0.5),
    "parser": parser_stream,
    "portraits": lambda pictures: PortraitStream(pictures, 3, side=16, latent=5),
    "scenes": lambda pictures: SceneStream(pictures, 3, small_clean(), side=64, pool=4, uses=2, frames=9),
}


def equal(first: Sample, second: Sample) -> bool:
    """Bit for bit; a missing landmark is as missing as another."""
    pairs = [*zip(first[0], second[0], strict=True), *((first[1][name], second[1][name]) for name in first[1])]
    return first[1].keys() == second[1].keys() and all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", STREAMS)
def test_a_sample_can_be_made_again_from_its_record(name: str, pictures: Pictures) -> None:
    stream = STREAMS[name](pictures)
    kinds = set()
    for index in range(12):
        drawn = stream.drawn(index)
        kinds.add(type(drawn))
        read = type(drawn).from_json(drawn.to_json())
        assert read == drawn
        sample = stream[index]
        assert equal(stream.make(read), sample)
        assert equal(stream.make(read), sample), "making a sample must not use anything up"
    assert len(kinds) == (2 if name == "frames" else 1), "labelled frames and others have to be among them"


def test_a_scene_can_be_made_again_from_its_record(pictures: Pictures) -> None:
    network = small_clean()
    stream = SceneStream(pictures, 4, network, side=64, pool=4, frames=9)
    kinds = set()
    for number in range(6):
        drawn = stream.drawn_scene(number)
        kinds.add(type(drawn))
        read = type(drawn).from_json(drawn.to_json())
        assert read == drawn
        scene, stored = make_scene(pictures, network, read, stream.points), stream.store[number]
        assert np.array_equal(scene.stack, stored.stack)
        assert np.array_equal(scene.truth, stored.truth)
    assert len(kinds) == 2


def test_a_batch_of_the_distillation_can_be_made_again_from_its_record() -> None:
    faces = patchwork_faces(4)
    drawn = draw_batch(faces, np.arange(4).repeat(12), np.random.default_rng(2))
    read = DrawnBatch.from_json(drawn.to_json())
    assert read == drawn
    batches = [make_batch(faces, one) for one in (drawn, drawn, read)]
    for other in batches[1:]:
        assert all(torch.equal(a, b) for a, b in zip(batches[0], other, strict=True))
    spoilings = [face.spoiling for face in drawn.faces]
    for field in ("patch", "small", "noise_from", "quality", "enlarged"):
        assert len({getattr(spoiling, field) is None for spoiling in spoilings}) == 2, field


DRAWS: dict[str, tuple[Callable[[np.random.Generator], object], float, float]] = {
    "views": (lambda rng: draw_views(few_pictures(), rng, 48, 1.5), 0.9348429014058606, 0.6099303569570144),
    "cut": (lambda rng: draw_cut(rng, 96, 64), 0.8972138009695755, 0.7970694287520462),
    "strangers": (lambda rng: draw_strangers(few_pictures(), 7, 3, 16, rng), 0.8972138009695755, 0.8471502463658693),
    "light": (draw_light, 0.8735534453962619, 0.8803321539808286),
    "ellipse": (lambda rng: draw_ellipse(64, rng), 0.8735534453962619, 0.26759930456378545),
    "view": (draw_view, 0.9955002834343927, 0.17940602756714652),
    "lighting": (draw_lighting, 0.4679349528437208, 0.1454599537609269),
    "occluder": (lambda rng: draw_occluder(rng, 64), 0.9955002834343927, 0.7427674182150396),
    "variation": (lambda rng: draw_variation(rng, 7, 4), 0.005265304565574724, 0.8300477298017456),
    "blend": (lambda rng: draw_blend(4, rng), 0.22520718999059186, 0.4450763058826466),
    "spoiling": (lambda rng: draw_spoiling(64, rng), 0.7095669366848485, 0.9930459954148698),
    "jitter": (draw_jitter, 0.30016628491122543, 0.19240214398531064),
    "drift": (
        lambda rng: drifted(Pose(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)), mirrored=False), rng),
        0.7756856902451935,
        0.9955002834343927,
    ),
}
"""What is drawn, and the number that comes after one and after eight draws with seed 7, as measured at the commit
before drawing and making were parted (3f52e08), the variation since scenes have more frames than seven. A training that
goes on would go on with others if these changed."""


@pytest.mark.parametrize("name", DRAWS)
def test_the_draws_are_those_of_earlier_trainings(name: str) -> None:
    draw, *expected = DRAWS[name]
    found = []
    for count in (1, 8):
        rng = np.random.default_rng(7)
        for _ in range(count):
            draw(rng)
        found.append(rng.random())
    assert found == expected
