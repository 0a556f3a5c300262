"""A chain that cannot work is refused before it starts, and what ran is recorded."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from mfrec.errors import UsageError, WeightsError
from mfrec.pipeline import Pipeline, Run, Stage, parameters
from mfrec.stages.align import Align
from mfrec.stages.assess import Assess
from mfrec.stages.cross import Cross
from mfrec.stages.fuse import Fuse
from mfrec.stages.parse import Parse
from mfrec.stages.track import Track
from mfrec.types import FaceTrack


@dataclass(frozen=True)
class Remark:
    """Leave a remark.

    The rest of a docstring is not for the report.
    """

    text: str = "seen"

    learned = False

    name: ClassVar[str] = "remark"
    needs: ClassVar[frozenset[str]] = frozenset({"frames"})
    gives: ClassVar[frozenset[str]] = frozenset({"boxes"})
    literature: ClassVar[tuple[str, ...]] = ("A. Nobody, 1999",)

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        return replace(track, warnings=(*track.warnings, self.text))


def test_steps_are_recorded_in_order_with_resolved_parameters():
    run = Run()
    out = Pipeline([Remark("one"), Remark("two")])(FaceTrack(()), run)
    assert out.warnings == ("one", "two")
    assert [step.parameters for step in run.steps] == [{"text": "one"}, {"text": "two"}]
    assert run.steps[0].method == "Leave a remark."
    assert run.steps[0].literature == ("A. Nobody, 1999",)
    assert run.steps[0].seconds >= 0


def test_an_impossible_chain_is_refused_with_the_name_of_what_is_missing():
    with pytest.raises(UsageError, match=r"'fuse' needs reference, registration"):
        Pipeline([Remark(), Fuse()])


def test_a_stage_that_would_overwrite_a_picture_is_refused():
    with pytest.raises(UsageError, match=r"'fuse' would throw away"):
        Pipeline([Track(), Align(), Parse(), Assess(), Cross(), Fuse()])


def test_the_evidence_chain_is_possible_and_made_of_stages():
    chain = (Track(), Align(), Parse(), Assess(), Fuse())
    assert Pipeline(chain).stages == chain
    assert all(isinstance(stage, Stage) for stage in chain)


def test_a_stage_is_an_instance_not_a_class():
    with pytest.raises(TypeError, match="instance of a dataclass"):
        parameters(Remark)  # type: ignore[arg-type]


def test_a_network_is_loaded_once_by_the_name_of_its_card():
    from small_networks import load

    asked = []

    def counting(card: str):
        asked.append(card)
        return load(card)

    run = Run(load=counting)
    network = run.network("clean")
    assert run.network("clean") is network
    assert run.network("fusion") is not network
    assert asked == ["clean", "fusion"]
    assert Run(load=counting).network("clean") is not network


def test_without_a_loader_the_card_decides():
    with pytest.raises(WeightsError, match="no card 'nobody'"):
        Run().network("nobody")
