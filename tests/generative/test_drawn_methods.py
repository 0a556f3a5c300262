"""Methods of ordinary stages that draw: there under NOT EVIDENCE alone, marked, and what the thesis describes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_cards import card_of
from tiny_generator import ARGUMENTS, tiny_card, tiny_generator

import mfrec
from mfrec.cards.load import read_card
from mfrec.errors import InputError, UsageError, WeightsError
from mfrec.generative.answers import uncertainty_of_drawn
from mfrec.generative.drawn_cross import DrawnCross
from mfrec.generative.drawn_finetune import DrawnFinetune
from mfrec.generative.drawn_repose import DrawnRepose, carried_back
from mfrec.image.stamp import WORDS, bears_words
from mfrec.nets.few_shot import FewShot
from mfrec.nets.psfrgan import Psfrgan
from mfrec.nets.style_directions import StyleDirections
from mfrec.options import Options
from mfrec.pipeline import Run
from mfrec.recipe import DRAWING_METHODS, Recipe, parse, stage_classes
from mfrec.reconstruction import run_until
from mfrec.registration.dense import identity_registration
from mfrec.types import Canvas, FaceTrack, Frame, Observation, Reconstruction

DRAWN = [(stage, method) for stage, (methods, _) in DRAWING_METHODS.items() for method in methods]


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A tiny generator, its directions, and a tiny PSFR-GAN, each by the path of its card."""
    root = tmp_path_factory.mktemp("cards")
    generator = tiny_card(root / "generator")
    directions = StyleDirections(latent=8, names=("yaw", "smile"), generator=read_card(Path(generator)).sha256)
    directions.normals.copy_(torch.eye(8)[:2])
    arguments = f'latent = 8\nnames = ["yaw", "smile"]\ngenerator = "{directions.generator}"\n'
    torch.manual_seed(1)
    restorer = Psfrgan(start=8, channels=(8, 8), hidden=4).eval()
    return {
        "generator": generator,
        "directions": card_of(root / "directions", "style_directions", directions, arguments, "adversarial"),
        "psfrgan": card_of(
            root / "psfrgan", "psfrgan", restorer, "start = 8\nchannels = [8, 8]\nhidden = 4\n", "adversarial"
        ),
        "few_shot": card_of(
            root / "few_shot",
            "few_shot",
            few_shot(),
            "side = 16\nchannels = 4\nmost = 8\nstyle = 8\nblocks = 1\n",
            "adversarial",
        ),
    }


def few_shot() -> FewShot:
    torch.manual_seed(1)
    return FewShot(side=16, channels=4, most=8, style=8, blocks=1).eval()


def recipe(stage: str, method: str, cards: dict[str, str], stamp: str = WORDS) -> str:
    """A chain that ends with a method that draws, hastily."""
    lines = {
        (
            "repose",
            "interfacegan",
        ): f'card = "{cards["generator"]}"\ndirections = "{cards["directions"]}"\nabove = 0.0\n',
        ("repose", "few_shot"): f'card = "{cards["few_shot"]}"\nabove = 0.0\n',
        ("cross", "stylegan"): f'generator = "{cards["generator"]}"\nmargin = 0.0\n',
        ("finetune", "pulse"): f'generator = "{cards["generator"]}"\n',
        ("finetune", "psfrgan"): f'generator = "{cards["psfrgan"]}"\n',
    }[stage, method]
    chain = {
        "repose": ["track", "align", "parse", "repose", "assess", "cross"],
        "cross": ["track", "align", "parse", "assess", "cross"],
        "finetune": ["track", "align", "fuse", "finetune"],
    }[stage]
    listed = ", ".join(f'"{name}"' for name in chain)
    plain = '[fuse]\nmethod = "mean"\n' if stage == "finetune" else ""
    return (
        f'name = "x"\nstamp = "{stamp}"\nstages = [{listed}]\n{plain}[{stage}]\nmethod = "{method}"\nsteps = 2\n{lines}'
    )


@pytest.mark.parametrize(("stage", "method"), DRAWN)
def test_a_run_is_marked(stage: str, method: str, cards: dict[str, str], sequence: Path, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(recipe(stage, method, cards), "utf-8")
    made: Reconstruction = mfrec.reconstruct(sequence, recipe=tmp_path / "x.toml", scale=2)
    assert made.stamp == WORDS and bears_words(made.image)
    assert made.track.fused is not None
    names = {path.name for path in mfrec.save(made, tmp_path / "out")}
    assert "reconstruction-NOT-EVIDENCE.png" in names and "reconstruction.png" not in names
    with pytest.raises(UsageError, match="does not bear the words"):
        mfrec.save(replace(made, image=made.track.fused.image), tmp_path / "other")
    called = {**made.record, "recipe": {**made.record["recipe"], "stamp": "RESTORED"}}
    with pytest.raises(UsageError, match="does not bear the words"):
        mfrec.save(replace(made, stamp="RESTORED", record=called, image=made.track.fused.image), tmp_path / "other")
    used = [step["parameters"] for step in made.record["steps"] if step["stage"] == stage]
    assert used[0]["method"] == method
    if stage == "repose":
        assert used[0]["reposed"] and all("drawn: yaw" in text for text in used[0]["reposed"].values())
    else:
        assert (made.observed < 0.99).any(), "what was drawn is not called measured"


@pytest.mark.parametrize("stamp", ["ENHANCED", "RESTORED"])
@pytest.mark.parametrize(("stage", "method"), DRAWN)
def test_no_other_label_has_them(stage: str, method: str, stamp: str, cards: dict[str, str]) -> None:
    said = f"the stage '{stage}' with the method '{method}' draws what no frame shows, so write stamp = "
    with pytest.raises(UsageError, match=said):
        parse(recipe(stage, method, cards, stamp))
    with pytest.raises(UsageError, match=said):
        Recipe("mine", stamp, (stage_classes(WORDS)[stage](method=method),))  # pyright: ignore[reportCallIssue]
    plain = stage_classes(stamp)[stage]()
    if hasattr(plain, "method"):
        with pytest.raises(UsageError, match=said):
            Recipe("mine", "RESTORED", (plain,)).with_settings([f"{stage}.method={method}"])


@pytest.mark.parametrize("stage", list(DRAWING_METHODS))
def test_their_other_methods_are_those_of_the_plain_stage(stage: str) -> None:
    drawing, plain = stage_classes(WORDS)[stage](), stage_classes()[stage]()
    assert isinstance(drawing, type(plain)) and drawing.learned == plain.learned
    with pytest.raises(UsageError):
        stage_classes(WORDS)[stage](method="no such method")  # pyright: ignore[reportCallIssue]


def test_what_was_drawn_comes_back_to_its_place_up_to_the_border() -> None:
    canvas = Canvas(0, 0, 12, 10, 4)
    frame = np.zeros((10, 12, 3), np.float32)
    seen = Observation(Frame(frame, 0, "0"), registration=identity_registration(canvas, frame))
    picture = np.random.default_rng(0).random((40, 48, 3), np.float32)
    back = carried_back(picture, seen, canvas.scale)
    assert np.abs(back.image - picture).max() < 1e-4


@pytest.fixture(scope="module")
def fused(sequence: Path) -> FaceTrack:
    return run_until("fuse", sequence, Options(recipe="evidence", scale=2))[0]


def test_directions_of_another_generator_are_refused(cards: dict[str, str], tmp_path: Path) -> None:
    generator = tiny_generator()
    generator.centre += 1
    other = card_of(tmp_path / "other", "stylegan2", generator, ARGUMENTS, "adversarial")
    with pytest.raises(WeightsError, match="learnt on another generator than"):
        DrawnRepose(method="interfacegan", card=other, directions=cards["directions"]).drawer(Run())
    with pytest.raises(WeightsError, match="needs one of 'style_directions'"):
        DrawnRepose(method="interfacegan", card=other, directions=other).drawer(Run())


def test_a_face_that_is_not_found_is_said(fused: FaceTrack, cards: dict[str, str]) -> None:
    blind = replace(fused, observations=tuple(replace(o, landmarks=None) for o in fused.observations))
    stages = [
        DrawnRepose(method="interfacegan", card=cards["generator"], directions=cards["directions"]),
        DrawnFinetune(method="pulse", generator=cards["generator"]),
        DrawnFinetune(method="psfrgan", generator=cards["psfrgan"]),
    ]
    for stage in stages:
        with pytest.raises(InputError, match="no face was found in the reference frame"):
            stage(blind, Run())


def test_where_no_frame_is_better_nothing_is_crossed_over(fused: FaceTrack, cards: dict[str, str]) -> None:
    alone = replace(
        fused, observations=(fused.observations[fused.reference or 0],), reference=0, sources={}, fused=None
    )
    with pytest.raises(InputError, match="nothing to cross over"):
        DrawnCross(method="stylegan", generator=cards["generator"], steps=1)(alone, Run())


def test_another_seed_of_pulse_draws_another_face(fused: FaceTrack, cards: dict[str, str]) -> None:
    stage = DrawnFinetune(method="pulse", generator=cards["generator"], steps=2, doubt=0)
    made = [stage(fused, Run(seed=seed)).fused for seed in (1, 1, 2)]
    first, again, other = (one.image for one in made if one is not None)
    assert np.array_equal(first, again)
    assert np.abs(first - other).mean() > 1 / 255
    before, drawn = fused.fused, made[0]
    assert before is not None and drawn is not None
    far = np.abs(drawn.image - before.image).min(axis=-1) > 0.2
    assert far.any() and (drawn.uncertainty[far] > 0.1).all(), "what was drawn is not as sure as what was measured"


def test_a_drawn_picture_is_wrong_by_what_the_plain_one_is_and_by_its_distance_from_that() -> None:
    rng = np.random.default_rng(0)
    truth = np.full((64, 64, 3), 0.5, np.float32)
    plain = truth + rng.normal(0, 0.03, truth.shape).astype(np.float32)
    drawn = plain.copy()
    drawn[:, 32:] += rng.normal(0, 0.08, (64, 32, 3)).astype(np.float32)
    said = uncertainty_of_drawn(drawn, plain, np.full((64, 64), 0.03, np.float32), 4)
    assert np.allclose(said[:, :16], 0.03), "where nothing was drawn it is what it was"
    wrong = np.sqrt(((drawn - truth) ** 2).mean(axis=-1))[:, 40:]
    assert np.sqrt(np.mean(wrong**2) / np.mean(said[:, 40:] ** 2)) == pytest.approx(1, abs=0.05)
