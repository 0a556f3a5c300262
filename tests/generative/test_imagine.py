"""A generative run from end to end: several answers that the frames allow, and no way to save one without its words."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_generator import tiny_card, tiny_generator

import mfrec
from mfrec.errors import InputError, UsageError, WeightsError
from mfrec.generative.imagine import Imagine
from mfrec.image.geometry import enlarge
from mfrec.image.stamp import METADATA, READABLE, WORDS, bears_words, stamped_large
from mfrec.options import Options
from mfrec.outputs import write_stage
from mfrec.pipeline import Pipeline, Run
from mfrec.provenance.record import read_record
from mfrec.publication.folder import foreign
from mfrec.recipe import Recipe, load, parse
from mfrec.reconstruction import run_until
from mfrec.types import FaceTrack, Imagined, Reconstruction

TEXT = """name = "mine"
stamp = "NOT EVIDENCE"
stages = ["track", "align", "fuse", "imagine"]
[fuse]
method = "mean"
[imagine]
solutions = 3
steps = 6
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recipe")
    card = tiny_card(folder / "card")
    (folder / "mine.toml").write_text(f'{TEXT}card = "{card}"\n', "utf-8")
    return folder / "mine.toml"


@pytest.fixture(scope="module")
def made(sequence: Path, recipe: Path) -> Reconstruction:
    return mfrec.reconstruct(sequence, recipe=recipe)


@pytest.fixture(scope="module")
def fused(sequence: Path) -> FaceTrack:
    return run_until("fuse", sequence, Options(recipe="evidence"))[0]


def answers(made: Reconstruction) -> Imagined:
    assert made.track.imagined is not None
    return made.track.imagined


def test_several_answers_explain_the_frames_and_each_bears_the_words(made: Reconstruction) -> None:
    found = answers(made)
    assert made.stamp == WORDS
    height, width = made.uncertainty.shape
    assert found.images.shape == (3, found.enlarged * height, found.enlarged * width, 3)
    assert min(found.images.shape[1:3]) >= READABLE
    assert bears_words(made.image)
    assert all(bears_words(image) for image in found.images)
    assert np.array_equal(np.sort(found.misfit), found.misfit), "the best one first"
    assert found.misfit.max() < 1, "degraded by the declared camera, all lie within the frames' own noise"
    assert 0 < found.determined < 1
    assert found.distances.shape == (3, 3)
    assert np.allclose(found.distances, found.distances.T)
    assert (found.distances[np.triu_indices(3, 1)] > 0).all()


def test_nothing_is_drawn_outside_of_the_oval(made: Reconstruction) -> None:
    found = answers(made)
    outside = found.region == 0
    assert 0.1 < outside.mean() < 0.9
    assert found.spread[outside].max() < 1e-6
    assert found.spread[found.region == 1].mean() > 1 / 255
    assert made.track.fused is not None
    assert (made.observed[found.region > 0.9] < 1).all()


def test_the_picture_is_the_best_answer(made: Reconstruction) -> None:
    assert made.track.fused is not None
    # What a network draws where the evidence picture is flat is taken back before the words are written.
    difference = np.abs(stamped_large(made.track.fused.image) - answers(made).images[0])
    assert difference.mean() < 1 / 255


def test_another_seed_gives_other_answers_and_the_same_one_the_same(fused: FaceTrack, made: Reconstruction) -> None:
    stage = Imagine(card="tiny", solutions=1, steps=3)
    first, again, other = (stage(fused, Run(seed=seed, load=lambda _: tiny_generator())).imagined for seed in (1, 1, 2))
    assert first is not None and again is not None and other is not None
    assert np.array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)
    assert first.spread.max() == 0
    assert first.distances.shape == (1, 1)


def test_without_a_say_of_the_frames_the_answers_are_the_generator_s(fused: FaceTrack) -> None:
    """A tiny generator of random numbers cannot explain a face by itself; the frames can."""
    alone, bounded = (
        Imagine(solutions=1, steps=3, doubt=doubt)(fused, Run(load=lambda _: tiny_generator())).imagined
        for doubt in (0.0, 20 / 255)
    )
    assert alone is not None and bounded is not None
    assert alone.misfit[0] > 3
    assert bounded.misfit[0] <= 1
    assert alone.determined == 0


def test_more_frames_leave_less_open(fused: FaceTrack) -> None:
    """The spread between answers falls with the number of frames, where all are believed as little."""
    spreads = []
    for count in (1, 7):
        chief = fused.reference or 0
        kept = sorted({chief, *range(count)}, key=lambda k: (k != chief, k))[:count]
        few = replace(
            fused,
            observations=tuple(fused.observations[k] for k in kept),
            reference=0,
            sources={
                region: tuple(kept.index(k) for k in order if k in kept) for region, order in fused.sources.items()
            },
        )
        made = Imagine(solutions=2, steps=2, doubt=0.3)(few, Run(load=lambda _: tiny_generator())).imagined
        assert made is not None
        spreads.append((made.mean_spread, made.determined))
    assert spreads[0][0] > spreads[1][0]
    assert spreads[0][1] < spreads[1][1]


# --- files -------------------------------------------------------------------------------------------------


def test_every_file_says_what_it_is(made: Reconstruction, tmp_path: Path) -> None:
    mfrec.save(made, tmp_path / "out", pdf=True)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    drawn = {f"answer-{k}-NOT-EVIDENCE.png" for k in (1, 2, 3)} | {"reconstruction-NOT-EVIDENCE.png"}
    assert drawn | {"spread-NOT-EVIDENCE.png", "evidence.png", "report.html", "report.pdf"} <= names
    assert not {"reconstruction.png", "answer-1.png"} & names
    for name in drawn:
        with Image.open(tmp_path / "out" / name) as picture:
            assert picture.info["Comment"] == WORDS
            assert picture.info["Title"] == METADATA
            assert bears_words(np.asarray(picture, np.float32) / np.float32(255))
    with Image.open(tmp_path / "out" / "evidence.png") as picture:
        assert not bears_words(np.asarray(picture, np.float32) / np.float32(255))
    with Image.open(tmp_path / "out" / "reconstruction-NOT-EVIDENCE.png") as picture:
        assert picture.size[::-1] == answers(made).images.shape[1:3], "enlarged before it was marked"
    record = read_record(tmp_path / "out")
    assert record["recipe"]["stamp"] == WORDS
    assert record["marked"] == {"enlarged": answers(made).enlarged, "interpolation": "bicubic"}
    assert record["imagined"]["misfit"] == pytest.approx(answers(made).misfit, abs=1e-3)
    assert len(record["steps"][-1]["parameters"]["starts"]) == 3
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.count("answer 3: misfit") == 2
    assert "None of them is the person" in page
    assert foreign(tmp_path / "out") == "", "so that --overwrite may replace it"


def test_a_chain_that_ends_with_the_stage_writes_them_too(sequence: Path, recipe: Path, tmp_path: Path) -> None:
    track, record = run_until("imagine", sequence, Options(recipe=recipe))
    names = {path.name for path in write_stage(track, record, tmp_path)}
    assert {"fused-NOT-EVIDENCE.png", "answer-3-NOT-EVIDENCE.png", "spread-NOT-EVIDENCE.png"} <= names
    with Image.open(tmp_path / "fused-NOT-EVIDENCE.png") as picture:
        assert bears_words(np.asarray(picture, np.float32) / np.float32(255))


def unstamped(made: Reconstruction) -> np.ndarray:
    assert made.track.fused is not None
    return made.track.fused.image


def with_answers(made: Reconstruction, images: np.ndarray) -> Reconstruction:
    return replace(made, track=replace(made.track, imagined=replace(answers(made), images=images)))


def with_stamp(made: Reconstruction, stamp: str) -> Reconstruction:
    recipe = {**made.record["recipe"], "stamp": stamp}
    return replace(made, stamp=stamp, record={**made.record, "recipe": recipe})


WAYS: dict[str, Callable[[Reconstruction], Reconstruction]] = {
    "the picture before the words": lambda made: replace(made, image=unstamped(made)),
    "the evidence picture in its place": lambda made: replace(made, image=made.evidence),
    "half of the words blended away": lambda made: replace(made, image=(made.image + unstamped(made)) / 2),
    "the words blended away a little": lambda made: replace(made, image=0.9 * made.image + 0.1 * unstamped(made)),
    "the left half without words": lambda made: replace(
        made, image=np.hstack([unstamped(made)[:, :96], made.image[:, 96:]])
    ),
    "the face without words": lambda made: replace(
        made, image=np.where(answers(made).region[..., None] > 0.5, unstamped(made), made.image)
    ),
    "mirrored": lambda made: replace(made, image=np.ascontiguousarray(made.image[:, ::-1])),
    "upside down": lambda made: replace(made, image=np.ascontiguousarray(made.image[::-1])),
    "moved by a pixel": lambda made: replace(made, image=np.roll(made.image, 1, axis=1)),
    "blurred": lambda made: replace(
        made, image=(made.image + np.roll(made.image, 2, 0) + np.roll(made.image, 2, 1)) / 3
    ),
    "darkened": lambda made: replace(made, image=0.3 * made.image),
    "lightened": lambda made: replace(made, image=0.7 + 0.3 * made.image),
    "inverted": lambda made: replace(made, image=1 - made.image),
    "cut": lambda made: replace(made, image=made.image[20:]),
    "too small for the words": lambda made: replace(made, image=made.image[:8, :8]),
    "called RESTORED": lambda made: replace(made, stamp="RESTORED"),
    "called ENHANCED": lambda made: replace(made, stamp="ENHANCED"),
    "called RESTORED in the record": lambda made: with_stamp(replace(made, image=made.image), "RESTORED"),
    "called RESTORED, without words": lambda made: with_stamp(replace(made, image=unstamped(made)), "RESTORED"),
    "without its record": lambda made: replace(made, record={}, image=unstamped(made)),
    "an answer before the words": lambda made: with_answers(
        made, np.stack([enlarge(unstamped(made), answers(made).enlarged), *answers(made).images[1:]])
    ),
    "the answers taken out, no words": lambda made: replace(
        made, image=unstamped(made), track=replace(made.track, imagined=None)
    ),
    "the answers taken out, another label": lambda made: replace(
        with_stamp(made, "RESTORED"), image=unstamped(made), track=replace(made.track, imagined=None)
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_to_save_it_without_its_words(way: str, made: Reconstruction, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not bear the words NOT EVIDENCE"):
        mfrec.save(WAYS[way](made), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_option_and_no_setting_takes_the_words_away(sequence: Path, recipe: Path) -> None:
    for setting in ("imagine.stamp=false", "imagine.stamp=ENHANCED", "stamp=RESTORED"):
        with pytest.raises(UsageError):
            mfrec.reconstruct(sequence, recipe=recipe, settings=[setting])


# --- the room ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stamp", ["ENHANCED", "RESTORED"])
def test_the_stage_is_there_under_its_label_alone(stamp: str) -> None:
    with pytest.raises(UsageError, match="the stage 'imagine' draws what no frame shows, so write stamp = "):
        parse(TEXT.replace(WORDS, stamp))
    with pytest.raises(UsageError, match="draws what no frame shows"):
        Recipe("mine", stamp, (Imagine(),))
    assert load("generative").stamp == WORDS
    assert [stage.name for stage in load("generative").stages][-1] == "imagine"


def test_runs_of_evidence_and_restore_never_load_the_room(sequence: Path) -> None:
    code = (
        "import json, sys, mfrec\n"
        "for recipe in ('evidence', 'restore'):\n"
        f"    mfrec.reconstruct({[str(sequence / f'{i}.png') for i in range(2)]!r}, recipe=recipe, scale=2)\n"
        "loaded = [name for name in sys.modules if name.startswith(('mfrec.generative', 'mfrec.nets.stylegan'))]\n"
        "print(json.dumps(loaded))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


# --- what cannot be ----------------------------------------------------------------------------------------


def test_a_face_that_is_not_found_is_said(fused: FaceTrack) -> None:
    blind = replace(fused, observations=tuple(replace(o, landmarks=None) for o in fused.observations))
    with pytest.raises(InputError, match=r"no face was found in the reference frame '\d.png'"):
        Imagine()(blind, Run(load=lambda _: tiny_generator()))


def test_a_chain_without_a_picture_is_refused() -> None:
    with pytest.raises(UsageError, match="needs fused"):
        Pipeline([Imagine()])
    with pytest.raises(UsageError, match="found no reference frame"):
        Imagine()(FaceTrack(()), Run())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("solutions=0", "imagine.solutions is 0"),
        ("steps=0", "imagine.steps is 0"),
        ("doubt=2", "imagine.doubt is 2"),
        ("psf_sigma=9", "imagine.psf_sigma is 9"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(setting: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(TEXT).with_settings([f"imagine.{setting}"])


def test_weights_of_another_network_are_refused(sequence: Path, recipe: Path) -> None:
    with pytest.raises(WeightsError):
        mfrec.reconstruct(sequence, recipe=recipe, settings=["imagine.card=fusion"])
