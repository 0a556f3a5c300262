"""The options of a run: the same wherever they are said, and recorded so that the run can be repeated."""

from __future__ import annotations

import inspect
from dataclasses import fields, replace
from pathlib import Path

import pytest

import mfrec
from mfrec.cli.run_options import run_options
from mfrec.cli.shared_options import with_options
from mfrec.errors import UsageError
from mfrec.options import Options, as_subject
from mfrec.pipeline import parameters
from mfrec.recipe import load

NAMES = {field.name for field in fields(Options)}


def test_python_and_the_command_line_have_the_same_options_and_defaults() -> None:
    given = inspect.signature(mfrec.reconstruct).parameters
    assert set(given) - NAMES == {"frames", "device", "seed", "strict", "progress"}
    assert Options(**{name: given[name].default for name in NAMES}) == run_options() == Options()


def test_every_option_of_the_command_line_arrives() -> None:
    asked = Options(
        recipe="evidence",
        settings=("fuse.method=mean",),
        reference="2",
        scale=3,
        crop="face",
        subject="1",
        turn="90",
        start=0.5,
        end=1.5,
        every=2,
        deinterlace=True,
        most=9,
        box="1,2,30,40@5",
        like="photo.png",
        without="1-3",
        levels=True,
        source=("eyes=3",),
        mask=("eyes=eyes.png",),
    )
    assert all(getattr(asked, name) != getattr(Options(), name) for name in NAMES)
    lists = {name: list(value) for name, value in vars(asked).items() if isinstance(value, tuple)}
    assert run_options(**{**vars(asked), **lists}) == asked


def test_a_command_gets_its_options_as_one_value() -> None:
    seen = []

    @with_options("options", run_options)
    def command(frames: str, *, out: str, options: Options, seed: int = 0) -> None:
        seen.append((frames, out, options, seed))

    names = list(inspect.signature(command).parameters)
    assert names[:3] == ["frames", "out", "recipe"] and names[-1] == "seed" and "options" not in names
    values = {**dict.fromkeys(NAMES), "scale": 7}
    command(frames="f", out="o", seed=1, **values)
    assert seen == [("f", "o", Options(**{**values, "settings": (), "source": (), "mask": ()}), 1)]


def test_the_record_names_every_option() -> None:
    options = Options(settings=("fuse.method=mean",), scale=2)
    assert options.record() == {
        **vars(Options()),
        "settings": ["fuse.method=mean"],
        "scale": 2,
        "source": [],
        "mask": [],
    }
    assert Options(mask=("eyes=a.png",)).record()["mask"] == [f"eyes={Path('a.png').absolute()}"]
    assert Options(Path("a.toml")).record()["recipe"] == "a.toml"
    assert Options(like="photo.png").record()["like"] == str(Path("photo.png").absolute())
    value = replace(load("evidence"), name="mine")
    assert Options(value).record()["recipe"] == "mine"


def test_a_recipe_may_be_a_name_a_path_or_a_value(tmp_path: Path) -> None:
    settings = ("fuse.method=median",)
    path = tmp_path / "mine.toml"
    path.write_text('stages = ["track", "align", "fuse"]\nname = "mine"\nstamp = "ENHANCED"\n', encoding="utf-8")
    for recipe in ("evidence", path, str(path), load("evidence")):
        chosen = Options(recipe, settings).chosen_recipe()
        assert chosen.name == ("mine" if str(recipe) == str(path) else "evidence")
        assert [parameters(stage)["method"] for stage in chosen.stages if stage.name == "fuse"] == ["median"]


@pytest.mark.parametrize(("scale", "taken"), [("auto", "auto"), ("3", 3), (3, 3)])
def test_the_scale_is_a_number_or_by_the_face(scale: str | int, taken: str | int) -> None:
    _, align, *_ = map(parameters, Options(scale=scale).applied_to(load("evidence"), 0).stages)
    assert align["scale"] == taken


@pytest.mark.parametrize("scale", ["large", "2.5", "-1", True])
def test_a_scale_that_is_neither_is_refused(scale: str | int) -> None:
    with pytest.raises(UsageError, match="expected auto"):
        Options(scale=scale).applied_to(load("evidence"), 0)


def test_what_belongs_to_the_call_reaches_the_stages() -> None:
    options = Options(scale=3, crop="face", subject="2", reference="a.png")
    track, align, *_ = map(parameters, options.applied_to(load("evidence"), 5).stages)
    assert track.items() >= {"subject": 2, "reference": 5}.items()
    assert align.items() >= {"scale": 3, "crop": "face", "reference": 5}.items()


def test_subjects_are_checked() -> None:
    assert as_subject("auto") == 0
    assert as_subject("2") == as_subject(2) == 2
    for wrong in ("0", "-1", "me", 0):
        with pytest.raises(UsageError, match="expected auto, or a person's number"):
            as_subject(wrong)
