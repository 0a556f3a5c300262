"""What was drawn survives JSON to the last bit, and a generator goes on where it stood."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfrec.types import Drawn, GeneratorState, Region


@dataclass(frozen=True)
class Blur(Drawn):
    sigma: float


@dataclass(frozen=True)
class Patch(Drawn):
    centre: tuple[float, float]
    region: Region


@dataclass(frozen=True)
class Trial(Drawn):
    name: str
    damage: tuple[Blur | Patch | None, ...]
    paths: Mapping[str, tuple[int, ...]]
    quality: int | None
    noise: GeneratorState


finite = st.floats(allow_nan=False, allow_infinity=False)
blurs = st.builds(Blur, finite)
patches = st.builds(Patch, st.tuples(finite, finite), st.sampled_from(Region))
trials = st.builds(
    Trial,
    st.text(),
    st.lists(st.none() | blurs | patches).map(tuple),
    st.dictionaries(st.text(), st.lists(st.integers()).map(tuple)),
    st.none() | st.integers(),
    st.integers(0, 2**32).map(lambda seed: GeneratorState.of(np.random.default_rng(seed))),
)


@settings(max_examples=40)
@given(trials)
def test_json_and_back_is_the_same_value_of_the_same_types(trial: Trial) -> None:
    again = Trial.from_json(trial.to_json())
    assert again == trial
    assert repr(again) == repr(trial)


@given(st.integers(0, 2**32), st.integers(0, 3))
def test_a_generator_goes_on_where_it_stood(seed: int, before: int) -> None:
    rng = np.random.default_rng(seed)
    rng.integers(10, size=before, dtype=np.int32)  # 32 bits each, so that half a number may be left over
    state = GeneratorState.from_json(GeneratorState.of(rng).to_json())
    first, second = state.generator(), state.generator()
    expected = rng.integers(1000, size=3, dtype=np.int32), rng.normal(size=5)
    for other in (first, second):
        assert np.array_equal(other.integers(1000, size=3, dtype=np.int32), expected[0])
        assert np.array_equal(other.normal(size=5), expected[1])


def test_the_record_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no Blur: found \['centre'\], expected \['sigma'\]"):
        Blur.from_json('{"centre": 1}')
    with pytest.raises(json.JSONDecodeError):
        Blur.from_json("sigma = 1")
    noise = GeneratorState.of(np.random.default_rng(0))
    value = json.loads(Trial("a", (), {}, None, noise).to_json())
    with pytest.raises(ValueError, match="no GeneratorState"):
        Trial.from_json(json.dumps(value | {"noise": 3}))
    with pytest.raises(ValueError, match="zip"):
        Patch.from_json('{"centre": [1.0], "region": 2}')


def test_only_the_default_generator_is_recorded() -> None:
    with pytest.raises(ValueError, match="MT19937; expected PCG64"):
        GeneratorState.of(np.random.Generator(np.random.MT19937(0)))
    state = GeneratorState.of(np.random.default_rng(0))
    assert state == replace(state)
