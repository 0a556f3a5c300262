"""Bring turned frames into the reference's pose by a network that draws the person from there.

Two position transfers of the thesis: InterFace (:mod:`mfrec.generative.interface_view`) and few-shot
(:mod:`mfrec.generative.few_shot_view`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Literal

import numpy as np

from mfrec.cards.load import card_path, check_kind, load_network, read_card
from mfrec.errors import UsageError, WeightsError
from mfrec.face.surface import fit, pose_gap
from mfrec.fusion.on_canvas import bicubic
from mfrec.generative.drawn_view import View
from mfrec.generative.few_shot_view import reenacted
from mfrec.generative.imagine import landmarks_on_canvas
from mfrec.generative.interface_view import turned
from mfrec.generative.learnt_directions import facing
from mfrec.image.geometry import enlarge, resize_map, warp
from mfrec.pipeline import Run, in_range
from mfrec.stages.repose import Repose
from mfrec.types import Cleaned, FaceTrack, FloatArray, Landmarks, Observation, RegionMasks, Reposed

Drawer = Callable[[FloatArray, FloatArray, tuple[Landmarks, Landmarks]], View]
"""From a picture, the one whose pose is wanted, and the landmarks of both, to the face that was drawn."""

SHIPPED = {"interfacegan": "stylegan", "few_shot": "few_shot"}
"""Method to the card that it takes where none is named."""

STEPS = {"interfacegan": 200, "few_shot": 40}
"""Method to the steps of ``"auto"``. After 40 the face of a person whom the few-shot network has not seen is nearer to
the truth than after 120, and by 1.9 dB than after none (the two frames that differ most of seven sequences, 64 px)."""

DOUBT = 0.1
"""Standard deviation of a grey level that is said of drawn pixels."""


@dataclass(frozen=True)
class DrawnRepose(Repose):
    """Bring turned frames into the reference's pose, or draw them there (InterFaceGAN, few-shot talking heads).

    With the methods ``"interfacegan"`` and ``"few_shot"`` a turned frame gets a picture that a network drew, as its
    cleaned one, and every other frame its own enlarged by bicubic interpolation; stages that take cleaned frames take
    these. The map of the registration stays as it was. With other methods it is :class:`mfrec.stages.repose.Repose`.

    Attributes:
        method: those of the plain stage, and these two.
        card: of the network that draws; empty is the shipped one of each method.
        directions: of the generator's directions, see :func:`mfrec.generative.learnt_directions.learn`.
        steps: in which each frame is embedded, or its person learnt; ``"auto"`` is :data:`STEPS`.
    """

    method: Literal["mesh", "delaunay", "procrustes", "align_and_blend", "interfacegan", "few_shot"] = "mesh"  # pyright: ignore[reportIncompatibleVariableOverride] (two more than the plain stage has)
    card: str = ""
    directions: str = "stylegan_directions"
    steps: int | Literal["auto"] = "auto"

    literature: ClassVar[tuple[str, ...]] = (
        *Repose.literature,
        "Y. Shen, J. Gu, X. Tang, B. Zhou, Interpreting the latent space of GANs for semantic face editing, CVPR 2020",
        "E. Zakharov, A. Shysheya, E. Burkov, V. Lempitsky, Few-shot adversarial learning of realistic neural talking "
        "head models, ICCV 2019",
    )

    def __post_init__(self) -> None:
        if self.steps != "auto":
            in_range("repose.steps", self.steps, 1, 10_000)
        if self.learned:
            in_range("repose.above", self.above, 0, 90)
        else:
            super().__post_init__()

    @property
    def learned(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether a network makes pixels."""
        return self.method in SHIPPED

    @property
    def cards(self) -> tuple[str, ...]:
        """Of the networks that make pixels."""
        card = self.card or SHIPPED[self.method]
        return (card,) if self.method == "few_shot" else (card, self.directions)

    def drawer(self, run: Run) -> Drawer:
        """What draws, with its network.

        Raises:
            WeightsError: a card cannot be used, or the directions were learnt on another generator.
        """
        card = self.cards[0]
        steps = STEPS[self.method] if self.steps == "auto" else self.steps
        if self.method == "few_shot":
            return partial(reenacted, network=run.network(card, "few_shot"), steps=steps)
        generator = run.network(card, "stylegan2")
        check_kind(self.directions, "style_directions")
        directions, known = load_network(self.directions), read_card(card_path(card)).sha256
        if directions.generator != known:
            raise WeightsError(
                f"the directions '{self.directions}' were learnt on another generator than '{card}'; learn them "
                f"with: mfrec weights directions {card} -o OUT.toml"
            )
        # Along this direction faces turn and do not smile.
        direction = facing({name: directions.normal(name).numpy() for name in ("yaw", "smile")})
        return partial(turned, generator=generator, direction=direction, steps=steps)

    def between(
        self,
        source: FloatArray,
        target: FloatArray,
        landmarks: tuple[Landmarks, Landmarks],
        masks: tuple[RegionMasks, RegionMasks],
    ) -> Reposed:
        """One picture in the pose of another, with the arguments of the methods of :mod:`mfrec.repose`."""
        del masks
        return self.drawer(Run())(source, target, landmarks).reposed

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        if not self.learned:
            return super().__call__(track, run)
        canvas, chief = track.canvas, track.reference
        if chief is None or canvas is None:
            raise UsageError("stage 'repose' found no reference frame and no canvas; run the stage 'align' before it")
        target, points = bicubic(track.observations[chief].frame.image, canvas), landmarks_on_canvas(track)
        draw = self.drawer(run)
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
            made = draw(o.frame.image, target, (o.landmarks, points))
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
