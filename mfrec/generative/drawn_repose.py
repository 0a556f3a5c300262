"""Bring turned frames into the reference's pose by a generator that draws the person from there: InterFace.

The position transfer that the thesis calls InterFace: the face is embedded in a generator's styles, views are drawn
along its direction of yaw (:mod:`mfrec.generative.directions`), the one nearest to the wanted pose is chosen by its
measured yaw where the thesis chose by eye, and its whole face is blended into the target. It turns heads sideways only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from mfrec.cards.load import card_path, check_kind, load_network, read_card
from mfrec.errors import InputError, UsageError, WeightsError
from mfrec.face.landmarks import read_aligned
from mfrec.face.portrait_square import portrait_square
from mfrec.face.surface import fit, pose_gap
from mfrec.generative.answers import pasted
from mfrec.generative.directions import best_angle, portrait_points, yaw
from mfrec.generative.embedding import Wish, embed
from mfrec.generative.learnt_directions import facing
from mfrec.generative.measurements import oval
from mfrec.image.geometry import enlarge, fit_similarity, resize_map, similarity_map, warp
from mfrec.nets.threads import one_thread
from mfrec.pipeline import Run, in_range
from mfrec.stages.repose import Repose, on_canvas
from mfrec.types import Cleaned, FaceTrack, FloatArray, Landmarks, Observation, RegionMasks, Reposed

VIEWS = tuple(float(step) for step in np.linspace(-12, 12, 25))
"""Steps along the direction of yaw at which a face is looked at; the shipped generator's faces fall apart beyond."""

INNER = (*range(17, 68),)
"""Landmarks by which a drawn face is laid onto the target: all but the outline, which a turned head has elsewhere."""

DOUBT = 0.1
"""Standard deviation of a grey level that is said of drawn pixels."""


@dataclass(frozen=True)
class View:
    """What was drawn of one face.

    Attributes:
        reposed: on the target's grid; ``validity`` is the drawn face's share.
        step: along the direction of yaw.
        yaw: degrees that were wanted and that the drawn face has.
    """

    reposed: Reposed
    step: float
    yaw: tuple[float, float]


def turned(
    generator: Any,
    direction: FloatArray,
    source: FloatArray,
    target: FloatArray,
    landmarks: tuple[Landmarks, Landmarks],
    *,
    steps: int,
) -> View:
    """Draw the person of one picture in the pose of another.

    Args:
        generator: a :class:`mfrec.nets.stylegan2.Stylegan2` in eval mode.
        direction: ``[latent]`` of yaw.
        source, target: ``[h, w, 3]`` and ``[H, W, 3]`` RGB in [0, 1].
        landmarks: of both, each in its own pixels.
        steps: of the embedding.

    Raises:
        ValueError: landmarks that are no face.
    """
    here, there = landmarks
    side, framing = generator.side, generator.framing
    portrait = read_aligned(source, portrait_square(here.points, side, framing), side)
    with one_thread():
        found = embed(generator, [Wish(portrait, np.ones((side, side), np.float32))], style_steps=steps)
        wanted = yaw(there)
        step, drawn, measured = best_angle(generator, found.styles, direction, wanted, steps=VIEWS, noise=found.noise)
    points = portrait_points(drawn, framing)
    to_target = fit_similarity(points.points[list(INNER)], there.points[list(INNER)])
    share = oval(len(target), target.shape[1], to_target.inverse(), side)
    to_source = fit_similarity(there.points, here.points)
    look_up = similarity_map(to_source, *target.shape[:2])
    return View(Reposed(pasted(target, drawn, to_target, share), share, look_up), step, (wanted, measured))


@dataclass(frozen=True)
class DrawnRepose(Repose):
    """Bring turned frames into the reference's pose, or draw them there by a generator (InterFaceGAN).

    With the method ``"interfacegan"`` a turned frame gets a picture that the generator drew, as its cleaned one, and
    every other frame its own enlarged by bicubic interpolation; stages that take cleaned frames take these. The map of
    the registration stays as it was. With other methods it is :class:`mfrec.stages.repose.Repose`.

    Attributes:
        method: those of the plain stage, and ``"interfacegan"``.
        card: of the generator.
        directions: of its directions, see :func:`mfrec.generative.learnt_directions.learn`.
        steps: of the embedding of each frame.
    """

    method: Literal["mesh", "delaunay", "procrustes", "align_and_blend", "interfacegan"] = "mesh"  # pyright: ignore[reportIncompatibleVariableOverride] (one more than the plain stage has)
    card: str = "stylegan"
    directions: str = "stylegan_directions"
    steps: int = 200

    literature: ClassVar[tuple[str, ...]] = (
        *Repose.literature,
        "Y. Shen, J. Gu, X. Tang, B. Zhou, Interpreting the latent space of GANs for semantic face editing, CVPR 2020",
    )

    def __post_init__(self) -> None:
        in_range("repose.steps", self.steps, 1, 10_000)
        if self.method == "interfacegan":
            in_range("repose.above", self.above, 0, 90)
        else:
            super().__post_init__()

    @property
    def learned(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether a network makes pixels."""
        return self.method == "interfacegan"

    @property
    def cards(self) -> tuple[str, ...]:
        """Of the networks that make pixels."""
        return self.card, self.directions

    def drawer(self, run: Run) -> tuple[Any, FloatArray]:
        """The generator, and the direction ``[latent]`` along which its faces turn and do not smile.

        Raises:
            WeightsError: a card cannot be used, or the directions were learnt on another generator.
        """
        generator = run.network(self.card, "stylegan2")
        check_kind(self.directions, "style_directions")
        directions, known = load_network(self.directions), read_card(card_path(self.card)).sha256
        if directions.generator != known:
            raise WeightsError(
                f"the directions '{self.directions}' were learnt on another generator than '{self.card}'; learn them "
                f"with: mfrec weights directions {self.card} -o OUT.toml"
            )
        return generator, facing({name: directions.normal(name).numpy() for name in ("yaw", "smile")})

    def between(
        self,
        source: FloatArray,
        target: FloatArray,
        landmarks: tuple[Landmarks, Landmarks],
        masks: tuple[RegionMasks, RegionMasks],
    ) -> Reposed:
        """One picture in the pose of another, with the arguments of the methods of :mod:`mfrec.repose`."""
        del masks
        generator, direction = self.drawer(Run())
        return turned(generator, direction, source, target, landmarks, steps=self.steps).reposed

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        if self.method != "interfacegan":
            return super().__call__(track, run)
        canvas, chief = track.canvas, track.reference
        if chief is None or canvas is None:
            raise UsageError("stage 'repose' found no reference frame and no canvas; run the stage 'align' before it")
        reference = track.observations[chief]
        if reference.landmarks is None:
            raise InputError(
                f"no face was found in the reference frame '{reference.frame.name}', so nobody knows which pose to "
                "draw; choose another frame with --reference"
            )
        target, points = on_canvas(reference.frame.image, reference.landmarks, canvas)
        generator, direction = self.drawer(run)
        found = [i for i, o in enumerate(track.observations) if o.landmarks is not None]
        faces = dict(zip(found, fit([p for o in track.observations if (p := o.landmarks) is not None]), strict=True))
        observations, told = list(track.observations), {}
        for i, o in enumerate(track.observations):
            run.progress(self.name, i, len(observations))
            if o.registration is None:
                continue
            gap = pose_gap(faces[i], faces[chief]) if i in faces else 0.0
            if i == chief or o.landmarks is None or gap < self.above:
                observations[i] = replace(o, cleaned=plain(o, canvas.scale))
                continue
            made = turned(generator, direction, o.frame.image, target, (o.landmarks, points), steps=self.steps)
            sentence = f"drawn: yaw {made.yaw[1]:.0f} degrees by landmarks, wanted {made.yaw[0]:.0f}"
            told[o.frame.name] = sentence
            trust = np.maximum(o.registration.trust, made.reposed.validity)
            observations[i] = replace(
                o,
                cleaned=carried_back(made.reposed.image, o, canvas.scale),
                registration=replace(o.registration, trust=trust),
                reposed={"face": sentence},
            )
        run.resolve({"reposed": told})
        return replace(track, observations=tuple(observations))


def plain(o: Observation, scale: int) -> Cleaned:
    """The part of a frame that the canvas sees, enlarged and otherwise as it was."""
    assert o.registration is not None
    (x0, y0), (rows, columns) = o.registration.window, o.registration.landing.shape[:2]
    image = np.clip(enlarge(o.frame.image[y0 : y0 + rows, x0 : x0 + columns], scale), 0, 1)
    return Cleaned(image, np.full(image.shape[:2], DOUBT, np.float32), (x0, y0), scale)


def carried_back(picture: FloatArray, o: Observation, scale: int) -> Cleaned:
    """A picture on the canvas as its frame would show it, so that the frame's registration brings it back there."""
    assert o.registration is not None
    landing = o.registration.landing
    rows, columns = landing.shape[:2]
    image = np.clip(warp(picture, resize_map(landing, rows * scale, columns * scale)), 0, 1)
    return Cleaned(image, np.full(image.shape[:2], DOUBT, np.float32), o.registration.window, scale)
