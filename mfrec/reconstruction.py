"""The main job as one call: frames in, one picture and its provenance out."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mfrec.camera.sampling import Enlargement, find_enlargement, reduced
from mfrec.errors import IdentityError, UsageError
from mfrec.face.identity_gate import check_identity
from mfrec.fusion.flatness import kept_flat
from mfrec.image.geometry import resize, similarity_map, warp
from mfrec.options import Options, as_most, as_subject
from mfrec.pipeline import FACTS, Pipeline, Progress, Run, Stage, silent
from mfrec.provenance.record import make_record
from mfrec.recipe import Recipe, load
from mfrec.runtime.threads import Aside, one_thread
from mfrec.stages.align import MAX_SCALE
from mfrec.types import Canvas, Dropped, FaceTrack, FloatArray, Frame, Observation, Reconstruction, Subject

if TYPE_CHECKING:
    from mfrec.imageio import FrameStream, Source

EVIDENCE = "evidence"
"""The recipe whose picture accompanies every result."""

LITTLE_MEASURED = 0.05
"""Mean of ``observed`` below which the reader is told that the picture is the networks' opinion."""

DEFAULT = Options()
"""What is asked for where nothing is said."""


def reconstruct(
    frames: Source,
    *,
    recipe: str | os.PathLike[str] | Recipe = "restore",
    reference: str | int = "auto",
    scale: int = 4,
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
        scale: how many output pixels a reference pixel has along each side.
        crop: ``"face"``, ``"frame"``, or ``"auto"`` for ``"frame"`` where the face fills most of it.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        seed: of every random draw.
        subject: whom to follow where several people are seen: ``"auto"`` or a number from 1.
        turn: by how many degrees clockwise to turn the frames first, 0, 90, 180 or 270; ``"auto"`` turns them where
            faces stand upright only then.
        settings: single parameters of the recipe's stages, each ``"stage.key=value"``.
        start, end, every, deinterlace: which frames to take, see :func:`mfrec.imageio.stream`.
        most: a video with more frames is looked through once, and so many of them are used that bring most of the
            person who is followed, see :func:`mfrec.face.footage.choose`; ``"auto"`` takes 24 of a small face down to 7
            of a large one.
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
    )
    return run_recipe(frames, options, device=device, seed=seed, strict=strict, progress=progress)


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
    chosen, asked = options.chosen_recipe(), options.reference
    # Everything that can be refused without opening a frame is refused before one is opened.
    chosen, evidence = options.applied_to(chosen, asked), options.applied_to(load(EVIDENCE), asked)
    Pipeline(chosen.stages)
    if not any("fused" in stage.gives for stage in chosen.stages):
        raise UsageError(f"recipe '{chosen.name}' ends without a picture; add the stage 'fuse' to its list of stages")
    run = Run(device=resolve_device(device), seed=seed, progress=progress)

    frames = in_order(frames)
    asked_for = options
    track, options = at_own_sampling(read_track(frames, options, progress=progress), options)
    read = tuple(observation.frame for observation in track.observations)
    meant = find_reference(asked, read, track.dropped)
    chosen, evidence = options.applied_to(chosen, meant), options.applied_to(evidence, meant)

    shared = common_stages(chosen, evidence)
    with one_thread():
        track = run_chain(chosen.stages[:shared], track, run)
        steps = list(run.steps)
        if chosen.stages == evidence.stages:
            result = beside = run_chain(chosen.stages[shared:], track, run)
            evidence_steps = run.steps
        elif track.reference is not None:
            with Aside(progress) as aside:
                evidence_run = Run(run.device, run.seed, aside.progress, steps)
                making = aside.start(partial(run_chain, evidence.stages[shared:], track, evidence_run))
                result = run_chain(chosen.stages[shared:], track, run)
                beside = making()
            evidence_steps = evidence_run.steps
        else:
            result = run_chain(chosen.stages[shared:], track, run)
            if result.reference is not None:
                # Compared pixel by pixel with the result, so it shows the moment that the result shows.
                evidence = options.applied_to(evidence, result.observations[result.reference].frame.index)
            evidence_run = Run(run.device, run.seed, progress, steps)
            beside = run_chain(evidence.stages[shared:], track, evidence_run)
            evidence_steps = evidence_run.steps
    canvas, fused, chief = result.canvas, result.fused, result.reference
    if canvas is None or fused is None or chief is None:
        raise UsageError(f"recipe '{chosen.name}' gave no picture; see which of its stages is asked for one")

    warnings = list(result.warnings)
    if len(result.observations) == 1:
        warnings.append(
            f"only one frame is used ('{result.observations[0].frame.name}'), so nothing was gained from other frames: "
            "the result is an enlargement; give more frames of the same person"
        )
    # Nothing that a network draws stays where the evidence picture, which none has touched, is flat.
    measured = on_canvas(beside, canvas)
    flattened = 0.0
    if any(stage.learned for stage in chosen.stages):
        image, share = kept_flat(fused.image, measured, canvas.scale)
        fused, flattened = replace(fused, image=image), float(share.mean())
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
    return Reconstruction(
        image=fused.image,
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
            frames=read,
            track=result,
            evidence=evidence,
            evidence_steps=evidence_steps,
            warnings=warnings,
            identity=identity,
            flattened=flattened,
        ),
    )


def little_measured(share: float) -> str:
    """The warning where the frames decide next to nothing of a restored picture."""
    return (
        f"Only {100 * share:.1f} % of the restored picture is measured: the frames are too poor or too alike to decide "
        "more, and the rest is what the networks expect of a face. Examine the evidence picture and the frames."
    )


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
    frames = in_order(frames)
    asked_for = options
    track, options = at_own_sampling(read_track(frames, options, progress=progress), options)
    read = tuple(observation.frame for observation in track.observations)
    chain = options.applied_to(chain, find_reference(options.reference, read, track.dropped))
    run = Run(seed=seed, progress=progress)
    track = run_chain(chain.stages, track, run)
    arguments = {"frames": source_list(frames), **asked_for.record(), "seed": seed}
    record = make_record(recipe=chain, arguments=arguments, run=run, frames=read, track=track, warnings=track.warnings)
    return track, record


def run_chain(stages: Sequence[Stage], track: FaceTrack, run: Run) -> FaceTrack:
    """Run stages whose needs were checked before, so that nothing but frames and parameters decides on any bit.

    Each works with one thread, see :func:`mfrec.runtime.threads.one_thread`. A sum over frames is rounded differently
    in another order, so pictures without a time are worked on in the order of their hashes.
    """
    with one_thread():
        stills = all(observation.frame.time is None for observation in track.observations)
        track = arranged(track, lambda frame: (frame.sha256 if stills else "", frame.index))
        for stage in stages:
            # Known only now: what the tracking found out decides which frames are left to choose from.
            check_reference(getattr(stage, "reference", "auto"), track)
            track = Pipeline((stage,), given=FACTS)(track, run)
        return arranged(track, lambda frame: (frame.index,))


def arranged(track: FaceTrack, key: Callable[[Frame], Any]) -> FaceTrack:
    """The same track with its frames in the order of ``key``, and everything that counts frames along with them."""
    order = sorted(range(len(track.observations)), key=lambda position: key(track.observations[position].frame))
    if order == list(range(len(order))):
        return track
    place = {old: new for new, old in enumerate(order)}
    fused = track.fused
    if fused is not None:
        fused = replace(fused, weight=fused.weight[order], consistency=fused.consistency[order])
    return replace(
        track,
        observations=tuple(track.observations[old] for old in order),
        reference=None if track.reference is None else place[track.reference],
        sources={region: tuple(place[old] for old in positions) for region, positions in track.sources.items()},
        fused=fused,
    )


def read_track(frames: Source, options: Options = DEFAULT, *, progress: Progress = silent) -> FaceTrack:
    """The frames as the first stage takes them: one bare observation each, and what could not be read.

    Of a video of more than ``options.most`` frames those that bring most of the person are read, each with the box
    that the person was seen in; the others are dropped with the reason.

    Raises:
        InputError: nothing usable is there.
        UsageError: the choice of frames cannot be.
    """
    from mfrec.face.footage import MOST
    from mfrec.imageio import read, stream

    most = as_most(options.most)
    opened = partial(
        stream, frames, start=options.start, end=options.end, every=options.every, deinterlace=options.deinterlace
    )
    footage = opened(progress=progress)
    if footage.unit == "video" and footage.expected > (most or MOST):
        with one_thread():
            return _chosen_frames(footage, opened, options, most)
    footage.close()
    reading = read(
        frames,
        start=options.start,
        end=options.end,
        every=options.every,
        deinterlace=options.deinterlace,
        progress=progress,
    )
    return FaceTrack(
        tuple(Observation(frame) for frame in reading.frames), tuple(reading.dropped), warnings=tuple(reading.warnings)
    )


def at_own_sampling(track: FaceTrack, options: Options) -> tuple[FaceTrack, Options]:
    """Frames that were enlarged before they were saved, brought back to the pixels that they were made from.

    The picture keeps its size: what the frames lose is made up for by ``scale``. Where no whole number does that the
    frames stay as they are, with a warning. Frames of a clip stay too: its codec worked on the pixels that it has.

    Args:
        track: as it was read.
        options: as they were asked for.

    Returns:
        The track and the options to go on with.
    """
    frames = [observation.frame for observation in track.observations]
    shapes = {frame.image.shape for frame in frames}
    if len(shapes) != 1 or any(frame.key is not None for frame in frames):
        return track, options
    # A few frames are enough; they have to agree.
    found: set[Enlargement | None] = set()
    for frame in (frames[0], frames[len(frames) // 2], frames[-1]):
        found.add(find_enlargement(frame.image))
        if len(found) > 1 or None in found:
            return track, options
    (enlarged,) = found
    assert enlarged is not None
    height, width = frames[0].image.shape[:2]
    small, scale = (enlarged.height, enlarged.width), round(options.scale * enlarged.factor)
    words = f"enlarged {enlarged.factor:.3g} times ({enlarged.kernel}) from {small[1]} x {small[0]} px"
    if scale > MAX_SCALE or (scale * small[1], scale * small[0]) != (options.scale * width, options.scale * height):
        warning = (
            f"the frames were {words} before they were saved, and --scale {options.scale} of them is no whole multiple "
            "of that: they are used as they are, which gains little; export them at their own size"
        )
        return replace(track, warnings=(*track.warnings, warning)), options
    observations = []
    for observation in track.observations:
        frame = observation.frame
        own = replace(
            frame,
            image=reduced(frame.image, small[1], small[0], enlarged.kernel),
            jpeg=None,
            notes=(*frame.notes, f"{words}, as its pixels say: brought back to that"),
        )
        observations.append(replace(observation, frame=own))
    warning = f"the frames were {words} before they were saved; they were brought back to that, and enlarge by {scale}"
    track = replace(track, observations=tuple(observations), warnings=(*track.warnings, warning))
    return track, replace(options, scale=scale)


def _chosen_frames(
    frames: FrameStream, again: Callable[..., FrameStream], options: Options, most: int | None
) -> FaceTrack:
    """Look through footage once, and read the chosen frames of it a second time.

    Args:
        frames: all of them.
        again: opens the same frames once more; takes ``only``.
        options: whom to follow, and how the frames are turned.
        most: how many frames at most; None leaves it to the size of the face.
    """
    from mfrec.face.footage import MOST, choose, enough_frames, find_person, survey, why_not
    from mfrec.face.search import PROBES, upright_turn

    degrees = 0 if options.turn == "auto" else int(options.turn)
    found = survey(frames, degrees=degrees)
    if options.turn == "auto" and not found.people:
        degrees = upright_turn(list(again(only=_spread(found.frames, PROBES))))
        found = survey(again(), degrees=degrees) if degrees else found
    dropped, warnings = list(frames.dropped), frames.warnings
    if not found.people:
        # The stage that tracks says what it looked for in vain.
        taken = _spread(found.frames, most or MOST)
        return FaceTrack(tuple(map(Observation, again(only=taken))), tuple(dropped), warnings=warnings)
    person = find_person(found, as_subject(options.subject))
    chosen = choose(person, most or enough_frames(person), always=options.reference)
    kept = list(again(only=frozenset(chosen)))
    dropped += [
        Dropped(name, why_not(person, index, len(chosen)), index, "choose")
        for index, name in found.frames
        if index not in chosen
    ]
    if degrees:
        # Boxes of turned frames say nothing about the frames as they are.
        return FaceTrack(tuple(map(Observation, kept)), tuple(dropped), warnings=warnings)
    return FaceTrack(
        tuple(Observation(frame, chosen[frame.index].detection.box) for frame in kept),
        tuple(dropped),
        subjects=tuple(
            Subject(
                other.number,
                {g.index: g.detection.box for g in other.glimpses if g.index in chosen},
                other.number == person.number,
            )
            for other in found.people
        ),
        warnings=warnings,
    )


def _spread(frames: Sequence[tuple[int, str]], count: int) -> frozenset[int]:
    """Indices of so many frames, evenly spread."""
    places = np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)
    return frozenset(frames[place][0] for place in places)


def in_order(frames: Source) -> Source:
    """Listed files in the natural order of their paths, so that the order of the list is no part of the result."""
    from mfrec.imageio.survey import natural_key

    if isinstance(frames, str | os.PathLike | np.ndarray):
        return frames
    items: list[Any] = list(frames)
    paths = [Path(item) for item in items if isinstance(item, str | os.PathLike)]
    return sorted(paths, key=lambda path: natural_key(str(path))) if len(paths) == len(items) else items


def check_reference(wanted: str | int, track: FaceTrack) -> None:
    """Say why a frame that is to be the reference is not in use, before a stage looks for it in vain.

    Args:
        wanted: ``"auto"`` or the index of a frame that was read.
        track: so far.

    Raises:
        UsageError: the frame was left out.
    """
    indices = [observation.frame.index for observation in track.observations]
    if wanted == "auto" or wanted in indices:
        return
    for dropped in track.dropped:
        if dropped.index == wanted:
            raise UsageError(_left_out(wanted, dropped, [observation.frame for observation in track.observations]))


def _left_out(reference: str | int, dropped: Dropped, frames: Sequence[Frame]) -> str:
    shown = sorted(frames, key=lambda frame: frame.index)[:8]
    names = ", ".join(f"{frame.index} ({frame.name})" for frame in shown)
    more = f" and {len(frames) - len(shown)} more" if len(frames) > len(shown) else ""
    name = "" if str(reference) == dropped.name else f" ({dropped.name})"
    return (
        f"--reference {reference}{name} was left out: {dropped.reason} (stage {dropped.stage}); "
        f"give auto, or one of the frames in use: {names}{more}"
    )


def find_reference(reference: str | int, frames: Sequence[Frame], dropped: Sequence[Dropped] = ()) -> str | int:
    """``"auto"``, or the index of the frame that is meant.

    Args:
        reference: ``"auto"``, an index (a number, or its digits), or a frame's name.
        frames: as they were read.
        dropped: what could not be read.

    Raises:
        UsageError: there is no such frame, it could not be read, or several have that name.
    """
    if reference == "auto":
        return reference
    named = [frame.index for frame in frames if frame.name == reference]
    if len(named) == 1:
        return named[0]
    if named:
        raise UsageError(
            f"--reference '{reference}' names {len(named)} frames; give an index, one of {', '.join(map(str, named))}"
        )
    indices = [frame.index for frame in frames]
    for item in dropped:
        if item.name == reference or (item.index is not None and str(item.index) == str(reference)):
            raise UsageError(_left_out(reference, item, frames))
    if str(reference).isdecimal():
        if int(reference) in indices:
            return int(reference)
        raise UsageError(
            f"--reference is {reference}, but no frame has that index; there are {len(indices)} frames, "
            f"{min(indices)} to {max(indices)}"
        )
    near = difflib.get_close_matches(str(reference), [frame.name for frame in frames], 1, cutoff=0.0)
    raise UsageError(
        f"--reference '{reference}' is no frame's name; did you mean '{near[0]}'? Or give auto, or an index from 0"
    )


def resolve_device(device: str) -> str:
    """``"cpu"`` or ``"cuda"``; ``"auto"`` is the graphics card where PyTorch finds one.

    Raises:
        UsageError: an unknown device, or CUDA where there is none.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"there is no device '{device}'; expected auto, cpu or cuda")
    if device == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise UsageError("PyTorch finds no CUDA device on this machine; use --device cpu")
    return "cpu"


def common_stages(one: Recipe, other: Recipe) -> int:
    """How many stages two chains have in common from the start, parameters included."""
    count = 0
    for a, b in zip(one.stages, other.stages, strict=False):
        if a != b:
            break
        count += 1
    return count


def source_list(frames: Source) -> list[str]:
    """Absolute paths of what was given; empty for arrays."""
    given = [frames] if isinstance(frames, str | os.PathLike) else list(frames)
    return [str(Path(item).absolute()) for item in given if isinstance(item, str | os.PathLike)]


def bicubic(image: FloatArray, canvas: Canvas) -> FloatArray:
    """The part of a frame that the canvas covers, enlarged by bicubic interpolation.

    Args:
        image: ``[h, w, 3]`` in [0, 1], the reference frame.
        canvas: a rectangle of it; outside of the frame its border is repeated.

    Returns:
        ``[H, W, 3]`` float32 in [0, 1], the same pixels as an enlargement of the whole frame has there.
    """
    # Bicubic interpolation reads two pixels to each side; enlarging the whole of a large frame would be a waste.
    margin = 3
    rows = np.clip(np.arange(canvas.y0 - margin, canvas.y0 + canvas.height + margin), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(canvas.x0 - margin, canvas.x0 + canvas.width + margin), 0, image.shape[1] - 1)
    part = image[rows[:, None], columns]
    large = resize(part, part.shape[0] * canvas.scale, part.shape[1] * canvas.scale)
    edge = margin * canvas.scale
    return np.clip(large[edge:-edge, edge:-edge], 0.0, 1.0)


def on_canvas(track: FaceTrack, canvas: Canvas) -> FloatArray:
    """A track's result ``[H, W, 3]`` on another canvas of the same reference frame."""
    if track.fused is None or track.canvas is None:
        raise UsageError("the evidence recipe gave no picture; restore mfrec/recipes/evidence.toml")
    if track.canvas == canvas:
        return track.fused.image
    look_up = similarity_map(track.canvas.from_reference.after(canvas.from_reference.inverse()), *canvas.shape)
    return np.clip(warp(track.fused.image, look_up), 0.0, 1.0)
