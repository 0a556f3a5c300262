"""Every choice is an option of the command line: the page offers what the command has, and shows what does the same."""

from __future__ import annotations

import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mfrec.cli.run_options import run_options
from mfrec.desk.choices import Wanted, checked_options, choices, command_text, recipes, reconstruct_arguments
from mfrec.desk.refusal import RefusalError
from mfrec.options import Options
from mfrec.recipe import OF_THE_CALL

CHANGED: dict[str, Any] = {
    "recipe": "evidence", "settings": ["fuse.passes=3", "align.patch=16"], "reference": "clip.mp4#3", "scale": 3,
    "crop": "frame", "subject": "2", "turn": "90", "start": 1.25, "end": 2.0, "every": 2,
    "deinterlace": True, "most": "9", "box": "10,20,30,40@1.5", "like": "inputs/02/photo.png", "without": "12,15-18",
    "levels": True, "source": ["eyes=3", "mouth=clip.mp4#4"],
}  # fmt: skip


def test_every_field_of_the_options_is_offered_with_its_flag_and_its_default() -> None:
    offered = {choice.name: choice for choice in choices()}
    assert set(offered) == {field.name for field in fields(Options)}
    for field in fields(Options):
        # A number that may be a word too comes as text.
        default = str(field.default) if field.name == "scale" else field.default
        assert offered[field.name].default == (None if default == () else default)
        assert offered[field.name].flag.startswith("--") and offered[field.name].help


def test_the_command_that_is_shown_asks_for_what_was_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mfrec.cli import app, runs

    (tmp_path / "case.json").write_text('{"about": {"number": "7"}}')
    (tmp_path / "inputs" / "02").mkdir(parents=True)
    (tmp_path / "inputs" / "02" / "photo.png").touch()

    values = checked_options(Wanted(CHANGED, "cpu", 7, True, True), tmp_path)
    words = reconstruct_arguments("inputs/01/clip.mp4", "runs/0002", Wanted(CHANGED, "cpu", 7, True, True), values)
    seen: dict[str, Any] = {}

    def stop(frames: list[Path], options: Options, **how: Any) -> None:
        seen.update(how, frames=frames, options=options)
        raise RuntimeError("seen")

    monkeypatch.setattr("mfrec.reconstruction.run_recipe", stop)
    monkeypatch.chdir(tmp_path)
    typed = shlex.split(command_text(words))
    assert typed[0] == "mfrec" and runs.reconstruct
    CliRunner().invoke(app, typed[1:])
    assert seen["options"] == run_options(**{**CHANGED, "like": Path(CHANGED["like"])})
    assert (seen["device"], seen["seed"], seen["strict"]) == ("cpu", 7, True)
    assert seen["frames"] == [Path("inputs/01/clip.mp4")]


def test_defaults_add_nothing_to_the_command(tmp_path: Path) -> None:
    wanted = Wanted({choice.name: choice.default for choice in choices()}, pdf=False)
    assert checked_options(wanted, tmp_path) == {}
    assert reconstruct_arguments("a", "b", wanted, {}) == ["reconstruct", "a", "-o", "b", "--case", "case.json"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"nonsense": 1}, "no option 'nonsense'"),
        ({"scale": "four"}, "expected auto"),
        ({"scale": True}, "--scale"),
        ({"scale": 0}, "expected"),
        ({"deinterlace": 1}, "--deinterlace"),
        ({"settings": "fuse.passes=3"}, "--set"),
        ({"settings": ["fuse.passes=300"]}, "1 to 10"),
        ({"settings": ["fuse.pases=3"]}, "did you mean 'passes'"),
        ({"recipe": "/etc/passwd.toml"}, "choose one of evidence, generative, restore"),
        ({"recipe": "../../theirs.toml"}, "choose one of"),
        ({"subject": "-1"}, "a person's number from 1"),
        ({"crop": "half"}, "expected auto, face or frame"),
        ({"turn": "../../etc/passwd"}, "not in this case"),
        ({"like": "/etc/passwd"}, "not in this case"),
        ({"like": "passwd"}, "not in this case"),
        ({"like": "inputs/../../../etc/passwd"}, "nothing called"),
        ({"like": "inputs/02/none.png"}, "not there"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_in_mfrecs_words(options: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match=says.replace("(", r"\(")):
        checked_options(Wanted(options), tmp_path)


def test_a_value_that_begins_like_an_option_stays_a_value(tmp_path: Path) -> None:
    values = checked_options(Wanted({"reference": "--overwrite"}), tmp_path)
    assert "--reference=--overwrite" in reconstruct_arguments("a", "b", Wanted(), values)


def test_parameters_come_with_their_meaning_and_the_range_that_the_stage_itself_states() -> None:
    seen = {}
    for recipe in recipes():
        for stage in recipe["stages"]:
            for parameter in stage["parameters"]:
                seen[recipe["name"], parameter["name"]] = parameter
                name, key = parameter["name"].split(".")
                assert key not in OF_THE_CALL.get(name, {})
    passes = seen["evidence", "fuse.passes"]
    assert (passes["value"], passes["number"], passes["range"]) == (2, True, "1 to 10")
    assert passes["meaning"].startswith('how often the estimate of method "map" is made; each further one registers')
    assert seen["restore", "fuse.method"]["value"] == "learned"
    assert "mean" in seen["restore", "fuse.method"]["options"]
    assert seen["evidence", "align.presmooth"]["options"] == ["auto"]
    assert len([p for p in seen.values() if p["meaning"]]) > 0.8 * len(seen)
