"""The main job as one call: frames in, one picture and its provenance out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mfrec.asked_person import check_asked
from mfrec.asked_reference import find_reference
from mfrec.asked_regions import check_regions
from mfrec.chain import common_stages, run_chain
from mfrec.errors import IdentityError, UsageError
from mfrec.face.identity_gate import check_identity
from mfrec.face.region_labels import labels_on_canvas
from mfrec.fusion.flatness import kept_flat
from mfrec.fusion.left_out_frame import DOUBTED, in_words, overall, predict_left_out
from mfrec.fusion.on_canvas import bicubic, on_canvas
from mfrec.fusion.track_sources import consistency_with, sources_of
from mfrec.image.stamp import burned
from mfrec.intake import at_own_sampling, in_order, read_track, source_list
from mfrec.metrics.coverage import kind_of_input, stated
from mfrec.options import DEFAULT, Options
from mfrec.pipeline import Pipeline, Progress, Run, silent
from mfrec.provenance.given import given_files
from mfrec.provenance.record import input_entry, make_record
from mfrec.recipe import Recipe, check_drawing, load, pixel_cards, recipe_names
from mfrec.runtime.device import resolve_device
from mfrec.runtime.memory import give_back, large_apart, one_arena
from mfrec.runtime.threads import Aside, one_thread
from mfrec.stages.fuse import Fuse
from mfrec.types import FaceTrack, FloatArray, Fused, Reconstruction, Region
from mfrec.unused_frames import without_unused

if TYPE_CHECKING:
    from mfrec.imageio import Source

EVIDENCE = "evidence"
"""The recipe whose picture accompanies every result."""

LITTLE_MEASURED = 0.05
"""Mean of ``observed`` below which the reader is told that the picture is the networks' opinion."""


def reconstruct(
    frames: Source,
    *,
    recipe: str | os.PathLike[str] | Recipe = "restore",
    reference: str | int = "auto",
    scale: str | int = 4,
    crop: str = "auto",
    device: str = "auto",
    seed: int = 0,
    subject: str | int = "auto",
    turn: str | int = "auto",
    settings: Iterable[str] = (),
    start: float | None = None,
    end: float | None = None,
    every: int = 1,
    deinterlace: bool = False,
    most: str | int = "auto",
    box: str | None = None,
    like: str | os.PathLike[str] | None = None,
    without: str = "",
    levels: bool = False,
    source: Iterable[str] = (),
    mask: Iterable[str] = (),
    strict: bool = False,
    progress: Progress = silent,
) -> Reconstruction:
    """Make one picture of a face from many poor ones.

    The picture of the unchanged ``evidence`` recipe is always made as well, on the same grid; stages that both
    chains begin with run once.

    Args:
        frames: a folder of pictures, a video, a list of files, or a list of ``[H, W, 3]`` arrays. Files are taken in
            the natural order of their paths, however they are listed; arrays in the order of time.
        recipe: a name, the path of a TOML file, or a :class:`~mfrec.recipe.Recipe`.
        reference: the frame whose pose and light the result has: ``"auto"``, an index from 0, or a name.
        scale: how many output pixels a reference pixel has along each side; ``"auto"`` takes 4 of a small face and
            fewer of a large one, see :func:`mfrec.stages.align.fitting_scale`.
        crop: ``"face"``, ``"frame"``, ``"auto"`` for ``"frame"`` where the face fills most of it, or a rectangle
            ``"x,y,w,h"`` of the reference frame in its pixels, once it is upright.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        seed: of every random draw.
        subject: whom to follow where several people are seen: ``"auto"`` or a number from 1.
        turn: by how many degrees clockwise to turn the frames first, 0, 90, 180 or 270; ``"auto"`` turns them where
            faces stand upright only then.
        settings: single parameters of the recipe's stages, each ``"stage.key=value"``.
        start, end, every, deinterlace: which frames to take, see :func:`mfrec.imageio.stream`.
        most: a video with more frames is looked through once, and so many of them are used that bring most of the
            person who is followed, see :func:`mfrec.face.chosen_frames.choose`; ``"auto"`` takes 24 of a small face
            down to 7 of a large one.
        box: follow the person whose face lies there: ``"x,y,w,h@t"``, in pixels of the frame once it is upright; ``t``
            is a frame's index, or a time (``12.5``, ``1:02.5``). Without ``@t`` it is the first frame.
        like: follow the person who is nearest to the one face of this photograph, by the recognition network.
        without: frames to leave out: indices, ranges and names, ``"12,15-18"``.
        levels: write a copy of the picture for looking at with its contrast stretched; nothing is measured on it.
        source: frames that give single regions, ``"eyes=3"`` or ``"mouth=clip.mp4#12"``: features or regions of
            :mod:`mfrec.face.regions`, and an index or a name. They go before what was measured of the frames.
        mask: pictures of where single regions lie, ``"eyes=eyes.png"``, of the size of the reference frame or of the
            result: numbers of regions, or 0 where the region is and 255 where it is not.
        strict: make an error of a result that lies farther from the frames than they lie from each other, by identity
            embeddings (:attr:`mfrec.face.identity_gate.IdentityCheck.limit`); otherwise it is a warning.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        UsageError: an argument or the recipe asks for something that does not exist.
        InputError: the frames cannot be used.
        IdentityError: see ``strict``.
        WeightsError: weights that a stage needs are missing or damaged.
    """
    options = Options(
        recipe=recipe,
        settings=tuple(settings),
        reference=reference,
        scale=scale,
        crop=crop,
        subject=subject,
        turn=turn,
        start=start,
        end=end,
        every=every,
        deinterlace=deinterlace,
        most=most,
        box=box,
        like=like,
        without=without,
        levels=levels,
        source=tuple(source),
        mask=tuple(mask),
    )
    return run_recipe(frames, options, device=device, seed=seed, strict=strict, progress=progress)


@one_thread()
def run_recipe(
    frames: Source,
    options: Options,
    *,
    device: str = "auto",
    seed: int = 0,
    strict: bool = False,
    progress: Progress = silent,
) -> Reconstruction:
    """Run a recipe's whole chain and the one of the evidence picture; see :func:`reconstruct`."""
    one_arena()
    chosen, asked = options.chosen_recipe(), options.reference
    # Everything that can be refused without opening a frame is refused before one is opened.
    chosen, evidence = options.applied_to(chosen, asked), options.applied_to(load(EVIDENCE), asked)
    Pipeline(chosen.stages)
    check_drawing(chosen)
    if not any("fused" in stage.gives for stage in chosen.stages):
        raise UsageError(f"recipe '{chosen.name}' ends without a picture; add the stage 'fuse' to its list of stages")
    check_asked(options)
    check_regions(options)
    given = given_files(options.given_files())
    run = Run(device=resolve_device(device), seed=seed, progress=progress)

    frames = in_order(frames)
    asked_for = options
    track, options = at_own_sampling(read_track(frames, options, progress=progress), options)
    large_apart()
    inputs = [input_entry(observation.frame) for observation in track.observations]
    meant = find_reference(asked, [observation.frame for observation in track.observations], track.dropped)
    chosen, evidence = options.applied_to(chosen, meant), options.applied_to(evidence, meant)

    of_evidence = next(stage for stage in evidence.stages if isinstance(stage, Fuse))
    left_out: dict[str, Any] | None = None
    shared = common_stages(chosen, evidence)
    for stage in chosen.stages[:shared]:
        # One by one, so that whole frames are let go of once their faces are cut out of them.
        track = run_chain((stage,), track, run)
    steps = list(run.steps)
    if chosen.stages == evidence.stages:
        result = beside = run_chain(chosen.stages[shared:], track, run)
        evidence_steps = run.steps
    elif track.reference is not None:
        # Beside what comes before the fusion only: two fusions at once take twice the memory and no less time.
        rest = chosen.stages[shared:]
        fusing = next(number for number, stage in enumerate(rest) if "fused" in stage.gives)
        with Aside(progress) as aside:
            evidence_run = Run(run.device, run.seed, named(EVIDENCE, aside.progress), steps)
            making = aside.start(partial(run_chain, evidence.stages[shared:], track, evidence_run))
            result = run_chain(rest[:fusing], track, run)
            beside = making()
            del making  # it holds what it gave
        give_back()
        # Its frames predict each other before the next fusion, which needs the memory of their registrations.
        left_out = without_one(beside, of_evidence)
        beside = replace(beside, observations=())
        result = run_chain(rest[fusing:], result, run)
        evidence_steps = evidence_run.steps
    else:
        result = run_chain(chosen.stages[shared:], track, run)
        if result.reference is not None:
            # Compared pixel by pixel with the result, so it shows the moment that the result shows.
            evidence = options.applied_to(evidence, result.observations[result.reference].frame.index)
        evidence_run = Run(run.device, run.seed, named(EVIDENCE, progress), steps)
        beside = run_chain(evidence.stages[shared:], track, evidence_run)
        evidence_steps = evidence_run.steps
    result = without_unused(result)
    canvas, fused, chief = result.canvas, result.fused, result.reference
    if canvas is None or fused is None or chief is None:
        raise UsageError(f"recipe '{chosen.name}' gave no picture; see which of its stages is asked for one")

    warnings = list(result.warnings)
    if len(result.observations) == 1:
        warnings.append(
            f"only one frame is used ('{result.observations[0].frame.name}'), so nothing was gained from other frames: "
            "the result is an enlargement; give more frames of the same person"
        )
    if left_out is None:
        left_out = without_one(beside, of_evidence)
    if left_out["ratio"] is not None and left_out["ratio"] > DOUBTED:
        warnings.append(f"Left-out frame: {left_out['text']}.")
    # Nothing that a network draws stays where the evidence picture, which none has touched, is flat.
    measured = on_canvas(beside, canvas)
    flattened = 0.0
    if any(stage.learned for stage in chosen.stages):
        fused, flattened = as_flat_as(measured, fused, result, chosen)
        result = replace(result, fused=fused)
        if fused.observed.mean() < LITTLE_MEASURED:
            warnings.append(little_measured(float(fused.observed.mean())))
    plain = bicubic(result.observations[chief].frame.image, canvas)
    identity = check_identity(fused.image, plain, result)
    if identity.passed is False:
        if strict:
            raise IdentityError(
                f"{identity.text}; it may show somebody else. Run without --strict and look at the report, leave out "
                "damaged frames, or use --recipe evidence"
            )
        warnings.append(
            f"Identity: {identity.text}. The picture may have lost the person; compare it with the originals."
        )
    give_back()
    return Reconstruction(
        image=burned(fused.image, chosen.stamp),
        evidence=measured,
        reference=plain,
        weight=fused.weight,
        observed=fused.observed,
        uncertainty=fused.uncertainty,
        consistency=fused.consistency,
        track=result,
        stamp=chosen.stamp,
        record=make_record(
            recipe=chosen,
            arguments={"frames": source_list(frames), **asked_for.record(), "device": device, "seed": seed},
            run=run,
            inputs=inputs,
            track=result,
            evidence=evidence,
            evidence_steps=evidence_steps,
            warnings=warnings,
            identity=identity,
            left_out=left_out,
            coverage=stated(
                chosen.name,
                kind_of_input(o.frame for o in result.observations),
                altered=not as_shipped(chosen, options, meant),
                weights=used_weights(chosen),
            ),
            flattened=flattened,
            given=given,
        ),
    )


def as_flat_as(measured: FloatArray, fused: Fused, track: FaceTrack, recipe: Recipe) -> tuple[Fused, float]:
    """A picture without detail of networks where the evidence picture is flat (:mod:`mfrec.fusion.flatness`), held
    against the frames as it is then, and the share of its fine detail that was replaced.

    Args:
        measured: ``[H, W, 3]``, the evidence picture on the track's canvas.
        fused: the picture.
        track: that it was made of.
        recipe: that made it; the last stage of it that gives a picture says through which camera the frames saw.
    """
    assert track.canvas is not None
    image, share = kept_flat(fused.image, measured, track.canvas.scale)
    if not share.any():
        return fused, 0.0
    last = [stage for stage in recipe.stages if "fused" in stage.gives][-1]
    psf_sigma = Fuse(psf_sigma=getattr(last, "psf_sigma", "auto")).settings(track).psf_sigma
    consistency = consistency_with(track.observations, image, track.canvas, psf_sigma)
    return replace(fused, image=image, consistency=consistency), float(share.mean())


def without_one(track: FaceTrack, fuse: Fuse) -> dict[str, Any]:
    """How well frames are predicted by the others, see :mod:`mfrec.fusion.left_out_frame`, as the record has it.

    Args:
        track: fused by the evidence recipe.
        fuse: the stage that did it.
    """
    assert track.canvas is not None and track.fused is not None and track.reference is not None
    face = (labels_on_canvas(track.observations[track.reference], track.canvas) != Region.BACKGROUND.value).astype(
        np.float32
    )
    found = predict_left_out(sources_of(track), track.fused.image, face, track.canvas, fuse.settings(track))
    frames = [track.observations[one.position].frame for one in found]
    return {
        "ratio": round(overall(found), 3) if found else None,
        "text": in_words(found),
        "frames": [
            {"index": frame.index, "name": frame.name, "ratio": round(one.ratio, 3)}
            for frame, one in zip(frames, found, strict=True)
        ],
    }


def as_shipped(recipe: Recipe, options: Options, reference: str | int) -> bool:
    """Whether a recipe is one of mfrec's own with no parameter set by hand, but for what every call says."""
    return recipe.name in recipe_names() and options.applied_to(load(recipe.name), reference).stages == recipe.stages


def used_weights(recipe: Recipe) -> dict[str, str]:
    """Card to the SHA-256 of the weights of every network that makes pixels in a recipe."""
    from mfrec.cards.load import card_path, read_card

    names = [name for stage in recipe.stages for name in pixel_cards(stage)]
    return {name: read_card(card_path(name)).sha256 for name in names}


def named(picture: str, progress: Progress) -> Progress:
    """Progress that says of which picture a stage is."""
    return lambda stage, done, total: progress(f"{picture}: {stage}", done, total)


def little_measured(share: float) -> str:
    """The warning where the frames decide next to nothing of a restored picture."""
    return (
        f"Only {100 * share:.1f} % of the restored picture is measured: the frames are too poor or too alike to decide "
        "more, and the rest is what the networks expect of a face. Examine the evidence picture and the frames."
    )


@one_thread()
def run_until(
    name: str, frames: Source, options: Options = DEFAULT, *, seed: int = 0, progress: Progress = silent
) -> tuple[FaceTrack, dict[str, Any]]:
    """Run a recipe's chain up to and including the stage ``name``; other arguments as in :func:`reconstruct`.

    Returns:
        The track after that stage, and the record of the run.

    Raises:
        UsageError, InputError, WeightsError: see :func:`reconstruct`.
    """
    chain = options.applied_to(options.chosen_recipe().until(name), options.reference)
    Pipeline(chain.stages)
    check_drawing(chain)
    check_asked(options)
    check_regions(options)
    given = given_files(options.given_files())
    frames = in_order(frames)
    asked_for = options
    track, options = at_own_sampling(read_track(frames, options, progress=progress), options)
    large_apart()
    read = [observation.frame for observation in track.observations]
    inputs = [input_entry(frame) for frame in read]
    chain = options.applied_to(chain, find_reference(options.reference, read, track.dropped))
    run = Run(seed=seed, progress=progress)
    track = run_chain(chain.stages, track, run)
    arguments = {"frames": source_list(frames), **asked_for.record(), "seed": seed}
    record = make_record(
        recipe=chain,
        arguments=arguments,
        run=run,
        inputs=inputs,
        track=track,
        warnings=track.warnings,
        given=given,
    )
    return track, record
