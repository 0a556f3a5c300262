"""Recipes: what is written is what runs, and nothing unknown is ignored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mfrec.errors import UsageError
from mfrec.image.stamp import WORDS
from mfrec.pipeline import Pipeline, parameters
from mfrec.recipe import STAMPS, Recipe, from_record, load, parse, recipe_names, stage_classes

PLAIN = 'name = "mine"\nstamp = "ENHANCED"\nstages = ["track", "align", "fuse"]\n'


def parameter(recipe: Recipe, stage: str, key: str) -> Any:
    """What a recipe gives one stage."""
    return next(parameters(s)[key] for s in recipe.stages if s.name == stage)


def test_shipped_recipes_can_run() -> None:
    assert recipe_names() == ("evidence", "generative", "restore", "thesis")
    for name in recipe_names():
        recipe = load(name)
        Pipeline(recipe.stages)
        assert recipe.name == name
        # Two of them have stages that make learned pixels, one draws, and each says so.
        learned = "clean" in [s.name for s in recipe.stages]
        assert learned == (name in ("restore", "thesis")) == (recipe.stamp == "RESTORED")
        draws = "imagine" in [s.name for s in recipe.stages]
        assert draws == (name == "generative") == (recipe.stamp == WORDS)


@pytest.mark.parametrize("name", recipe_names())
def test_record_reads_back_to_the_same_recipe(name: str) -> None:
    last = "cross.method=sharp" if name == "thesis" else "fuse.method=median"
    recipe = load(name).with_settings([last, "align.patch=10"])
    assert from_record(recipe.record()) == recipe


def test_stage_names_are_the_keys() -> None:
    for name, stage in stage_classes(WORDS).items():
        assert stage.name == name


def test_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(PLAIN + '[fuse]\nmethod = "median"\n')
    recipe = load(path)
    assert recipe.name == "mine"
    assert parameter(recipe, "fuse", "method") == "median"
    assert load(str(path)) == recipe


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PLAIN + "[fuse]\nmethud = 'map'\n", "'methud'.*did you mean 'method'"),
        (PLAIN + "[fuse]\nmethod = 'medain'\n", "'medain'.*did you mean 'median'"),
        (PLAIN + "[fuse]\nmethod = 3\n", "is 3; expected one of learned, map, mean, median"),
        (PLAIN + "[fuse]\npasses = 1.5\n", "is 1.5; expected a whole number"),
        (PLAIN + "[fuse]\npasses = true\n", "expected a whole number"),
        (PLAIN + "[fuse]\nprior_sigma = 'big'\n", "is 'big'; expected a number"),
        (PLAIN + "[fuse]\npasses = 0\n", "passes is 0"),
        (PLAIN + "[align]\nscale = 2\n", "'scale' belongs to one call.*--scale"),
        (PLAIN + "[track]\nsubject = 2\n", "--subject"),
        (PLAIN + "[assess]\n", "'assess', which is not in its list of stages"),
        (PLAIN + "fuse = 3\n", "'fuse' has to be a table"),
        (PLAIN + "stampp = 'x'\n", "unknown key 'stampp'; did you mean 'stamp'"),
        (PLAIN.replace('"fuse"]', '"fues"]'), "no stage 'fues'; did you mean 'fuse'"),
        (PLAIN.replace('"fuse"]', '"fuse", "fuse"]'), "more than once"),
        (PLAIN.replace("ENHANCED", "RESTORE"), "no stamp 'RESTORE'; did you mean 'RESTORED'"),
        (PLAIN.replace('name = "mine"', ""), "has no name"),
        ('name = "mine"\nstamp = "ENHANCED"\n', "no list of stages"),
        ("stages = [", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_refused_and_named(text: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected) as caught:
        parse(text)
    assert caught.value.exit_code == 2


def test_names_that_do_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'evidence'"):
        load("evidense")
    with pytest.raises(UsageError, match="No such file"):
        load(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not UTF-8"):
        load(tmp_path / "bytes.toml")


def test_settings_change_one_parameter_and_keep_its_type() -> None:
    recipe = load("evidence").with_settings(["fuse.method=mean", "fuse.prior_sigma = 1", "align.patch=10"])
    assert parameter(recipe, "fuse", "method") == "mean"
    assert type(parameter(recipe, "fuse", "prior_sigma")) is float
    assert parameter(recipe, "align", "patch") == 10
    before = load("evidence")
    assert parameter(recipe, "align", "smoothness") == parameter(before, "align", "smoothness")
    assert before.with_settings([]) == before


def test_the_last_setting_of_a_key_wins() -> None:
    recipe = load("evidence").with_settings(["fuse.method=mean", 'fuse.method="median"'])
    assert parameter(recipe, "fuse", "method") == "median"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("fuse", "expected stage.key=value"),
        ("fuse.method", "expected stage.key=value"),
        ("method=map", "expected stage.key=value"),
        (".method=map", "expected stage.key=value"),
        ("fuze.method=map", "no stage 'fuze'; did you mean 'fuse'"),
        ("cross.method=soft", "no stage 'cross'"),
        ("fuse.metod=map", "no parameter 'metod'; did you mean 'method'"),
        ("fuse.passes=many", "is 'many'; expected a whole number"),
        ("fuse.passes=2\nx = 3", "expected a whole number"),
        ("align.reference=2", "--reference"),
    ],
)
def test_wrong_settings(setting: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        load("evidence").with_settings([setting])


def test_call_parameters_reach_their_stages() -> None:
    recipe = load("evidence").with_call(reference=3, scale=2, crop="face", subject=2)
    assert parameter(recipe, "align", "reference") == 3
    assert parameter(recipe, "align", "scale") == 2
    assert parameter(recipe, "align", "crop") == "face"
    assert parameter(recipe, "track", "subject") == 2
    with pytest.raises(UsageError, match=r"--scale is 2\.5; expected a whole number"):
        load("evidence").with_call(reference="auto", scale=2.5, crop="auto", subject=0)  # type: ignore[arg-type]


def test_until_ends_the_chain() -> None:
    assert [s.name for s in load("evidence").until("parse").stages] == ["track", "align", "parse"]
    with pytest.raises(UsageError, match="no stage 'asses'; did you mean 'assess'"):
        load("evidence").until("asses")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"stages": [{"name": "dream"}]}, "does not have"),
        ({"stages": [{"name": "fuse", "magic": 1}]}, "'fuse.magic'"),
        ({"stages": [{"method": "map"}]}, "damaged"),
        ({"stages": 3}, "damaged"),
    ],
)
def test_records_of_other_versions_are_refused(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        from_record({**load("evidence").record(), **change})


@pytest.mark.parametrize("stage", ["clean", "cross", "finetune"])
def test_pixels_of_a_network_are_never_stamped_as_evidence(stage: str, tmp_path: Path) -> None:
    table = '\n[cross]\nmethod = "unet"\n' if stage == "cross" else ""
    stages = {
        "clean": '"track", "align", "clean", "fuse"',
        "cross": '"track", "align", "parse", "assess", "cross"',
        "finetune": '"track", "align", "fuse", "finetune"',
    }
    text = f'name = "mine"\nstamp = "ENHANCED"\nstages = [{stages[stage]}]\n{table}'
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=f"'{stage}' uses one; stamp it RESTORED"):
        load(file)
    file.write_text(text.replace("ENHANCED", "RESTORED"))
    assert load(file).stamp == "RESTORED"


def test_a_setting_cannot_bring_a_network_under_the_stamp_of_evidence() -> None:
    with pytest.raises(UsageError, match="no network made a pixel"):
        load("evidence").with_settings(["fuse.method=learned"])


def test_stamps_are_those_of_the_report() -> None:
    from mfrec.report import content

    assert set(STAMPS) == set(content.STAMPS)


@pytest.mark.parametrize("name", ["cross.softness", "cross.margin", "cross.psf_sigma", "finetune.psf_sigma"])
@pytest.mark.parametrize("value", ["nan", "-nan", "inf", "-1", "-0.5", "1e999", "9" * 400, "9" * 5000, "true", '""'])
def test_numbers_that_a_stage_cannot_use(name: str, value: str) -> None:
    recipe = parse('name = "mine"\nstamp = "RESTORED"\nstages = ["track", "align", "cross", "finetune"]\n')
    with pytest.raises(UsageError, match=name.replace(".", r"\.")):
        recipe.with_settings([f"{name}={value}"])
    stage, key = name.split(".")
    with pytest.raises(UsageError):
        parse(f'name = "mine"\nstamp = "RESTORED"\nstages = ["{stage}"]\n[{stage}]\n{key} = {value}\n')
