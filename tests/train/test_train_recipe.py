"""The table [recipe] of a card: what is in it is checked, and nothing unknown is ignored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mfrec.cards.load import card_names, cards_folder, read_card
from mfrec.errors import UsageError
from mfrec.train.losses import LOSSES
from mfrec.train.recipe import parse_recipe, training_recipe
from mfrec.train.tasks import TASKS

LEAST: dict[str, Any] = {
    "task": "clean",
    "steps": 100,
    "batch": 4,
    "learning_rate": 1e-3,
    "losses": {"charbonnier": 1},
}


def test_the_rest_has_defaults() -> None:
    recipe = parse_recipe(LEAST)
    assert (recipe.task, recipe.steps, recipe.seed) == ("clean", 100, 0)
    assert recipe.losses == {"charbonnier": 1}


def test_a_record_is_a_recipe_again() -> None:
    recipe = parse_recipe({**LEAST, "betas": [0.8, 0.9], "data": {"side": 96, "kinds": ["still"]}, "bfloat16": False})
    assert parse_recipe(recipe.record()) == recipe


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stepz": 1}, "unknown key 'stepz'; did you mean 'steps'"),
        ({"steps": 0}, "'steps' is 0"),
        ({"steps": 1.5}, "'steps' is 1.5; expected a whole number"),
        ({"batch": "4"}, "'batch' is '4'; expected a whole number"),
        ({"learning_rate": 0}, "'learning_rate' is 0"),
        ({"losses": {}}, "'losses' is empty"),
        ({"losses": 1}, "expected a table"),
        ({"data": 1}, "expected a table"),
        ({"betas": [0.9]}, "expected a list of 2"),
        ({"betas": [0.9, 1.0]}, "'betas'"),
        ({"average": float("nan")}, "'average' is nan"),
        ({"bfloat16": 1}, "expected true or false"),
        ({"task": 3}, "expected text"),
        ({"schedule": "multi_step"}, "'milestones' is"),
        ({"milestones": [5]}, "'milestones' is"),
        ({"schedule": "multi_step", "milestones": [5, 3]}, "'milestones' is"),
    ],
)
def test_what_is_wrong_is_refused_and_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_recipe({**LEAST, **change}, "the recipe of 'x'")


@pytest.mark.parametrize("key", LEAST)
def test_what_is_needed_is_asked_for(key: str) -> None:
    with pytest.raises(UsageError, match=f"no '{key}'"):
        parse_recipe({k: v for k, v in LEAST.items() if k != key})


def test_a_card_without_a_recipe_cannot_be_trained() -> None:
    with pytest.raises(UsageError, match=r"'mtcnn' has no table \[recipe\]"):
        training_recipe(read_card(cards_folder() / "mtcnn.toml"))


def test_every_shipped_recipe_is_valid() -> None:
    for name in card_names():
        card = read_card(cards_folder() / Path(f"{name}.toml"))
        if card.recipe:
            recipe = training_recipe(card)
            assert recipe.losses.keys() <= LOSSES.keys()
            assert recipe.task in TASKS
