"""Let a generator draw faces that explain the frames, and show how far they lie apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import torch

from mfrec.errors import InputError, UsageError
from mfrec.face.landmarks import read_aligned
from mfrec.face.portrait_square import portrait_square
from mfrec.fusion.belief import believe
from mfrec.fusion.bounded import bound
from mfrec.fusion.track_sources import consistency_with, sources_of
from mfrec.generative.answers import distances_between, pasted, spread_of, uncertainty_of_drawn
from mfrec.generative.measurements import Measurements, measure, oval
from mfrec.generative.pulse import draw_starts, search
from mfrec.image.stamp import enlarging, stamped_large
from mfrec.nets.threads import one_thread
from mfrec.pipeline import Run, in_range
from mfrec.stages.fuse import Fuse
from mfrec.types import FaceTrack, FloatArray, Imagined, Landmarks, Similarity

DOUBLED = 5
"""How often the frames are asked at most, each time with a portrait that is believed half as much."""


@dataclass(frozen=True)
class Imagine:
    """Draw several faces that all frames allow, by a generator of faces that is searched on a sphere (PULSE).

    Each search ends with the portrait of the generator's own kind that explains the frames best, seen through the
    declared camera and codec. What it could not draw is taken from the frames: the portrait is the prior of
    :func:`mfrec.fusion.bounded.bound` with the error :attr:`doubt`, which is doubled as often as it takes until no more
    is left of the frames than their own noise (Morozov, "On the solution of functional equations by the method of
    regularization", 1966: the discrepancy principle). The best answer becomes the picture; all of them,
    what the frames leave open between them, and how unlike their identities are go into ``track.imagined``. Outside of
    an oval around the face nothing is changed.

    Attributes:
        card: of the generator.
        solutions: how many answers.
        steps: of each search.
        doubt: smallest expected error of a portrait in [0, 1] grey levels, before the frames have their say; 0 leaves
            what the generator drew.
        psf_sigma: of the camera, as in :class:`~mfrec.stages.fuse.Fuse`.
    """

    card: str = "stylegan"
    solutions: int = 4
    steps: int = 100
    doubt: float = 20 / 255
    psf_sigma: float | Literal["auto"] = "auto"

    learned = True

    name: ClassVar[str] = "imagine"
    needs: ClassVar[frozenset[str]] = frozenset({"fused", "registration", "landmarks"})
    gives: ClassVar[frozenset[str]] = frozenset({"fused"})
    literature: ClassVar[tuple[str, ...]] = (
        "S. Menon, A. Damian, S. Hu, N. Ravi, C. Rudin, PULSE: self-supervised photo upsampling via latent space "
        "exploration of generative models, CVPR 2020",
        "T. Karras, S. Laine, M. Aittala, J. Hellsten, J. Lehtinen, T. Aila, Analyzing and improving the image quality "
        "of StyleGAN, CVPR 2020",
    )

    def __post_init__(self) -> None:
        in_range("imagine.solutions", self.solutions, 1, 32)
        in_range("imagine.steps", self.steps, 1, 10_000)
        in_range("imagine.doubt", self.doubt, 0, 1)
        if self.psf_sigma != "auto":
            in_range("imagine.psf_sigma", self.psf_sigma, 0.05, 5)

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        before, canvas, landmarks = track.fused, track.canvas, landmarks_on_canvas(track)
        if before is None or canvas is None:
            raise UsageError("stage 'imagine' found no picture to draw into; run the stage 'fuse' before it")
        settings = Fuse(psf_sigma=self.psf_sigma).settings(track)
        starts = draw_starts(np.random.default_rng(run.seed), self.solutions)
        run.resolve({"psf_sigma": settings.psf_sigma, "starts": [drawn.seed for drawn in starts]})
        generator = run.network(self.card, "stylegan2")
        plain = before.image
        sources = sources_of(track)
        belief = believe(sources, plain, canvas.scale, settings)

        def seen_in(side: int) -> tuple[Measurements, Similarity]:
            to_canvas = portrait_square(landmarks.points, side, generator.framing)
            return measure(sources, belief, to_canvas, side, settings), to_canvas

        measurements, to_canvas = seen_in(generator.side)
        with one_thread():
            found = search(
                generator,
                measurements.misfit,
                starts,
                steps=self.steps,
                progress=lambda done, total: run.progress(self.name, done, total),
            )
        share = oval(*canvas.shape, to_canvas.inverse(), generator.side)
        portraits = found.portraits.permute(0, 2, 3, 1).cpu().numpy()
        pictures = [pasted(plain, portrait, to_canvas, share) for portrait in portraits]
        # On a grid as fine as the canvas, so that nothing of the pictures is lost on the way into the square.
        fine, fine_to_canvas = seen_in(max(generator.side, round(generator.side * to_canvas.scale)))

        def allowed(picture: FloatArray) -> tuple[FloatArray, FloatArray, float]:
            """A picture after the frames have had their say, their share in it, and what is left of them."""
            left, observed, made = misfit_of(fine, picture, fine_to_canvas), np.zeros(canvas.shape, np.float32), picture
            for doubled in range(DOUBLED if self.doubt > 0 else 0):
                error = np.full(canvas.shape, min(self.doubt * 2**doubled, 1.0), np.float32)
                bounded = bound(sources, picture, error, canvas, settings)
                made = np.clip(plain + share[..., None] * (bounded.image - plain), 0, 1).astype(np.float32)
                left, observed = misfit_of(fine, made, fine_to_canvas), bounded.observed
                if left <= 1:
                    break
            return made, observed, left

        pictures, shares, misfit = zip(*(allowed(picture) for picture in pictures), strict=True)
        observed = np.mean(shares, axis=0)
        order = np.argsort(misfit, kind="stable")
        pictures = [pictures[k] for k in order]
        distances, from_plain = distances_between(pictures, plain, landmarks)
        spread = spread_of(pictures)
        imagined = Imagined(
            images=np.stack([stamped_large(picture) for picture in pictures]),
            enlarged=enlarging(*canvas.shape),
            spread=spread,
            region=share,
            misfit=np.array(misfit, np.float32)[order],
            plain_misfit=misfit_of(fine, plain, fine_to_canvas),
            distances=distances,
            from_plain=from_plain,
            determined=float((share * observed).sum() / share.sum()),
        )
        fused = replace(
            before,
            image=pictures[0],
            observed=(before.observed + share * (np.minimum(before.observed, observed) - before.observed)),
            uncertainty=np.maximum(uncertainty_of_drawn(pictures[0], plain, before.uncertainty, canvas.scale), spread),
            consistency=consistency_with(track.observations, pictures[0], canvas, settings.psf_sigma),
            method=f"{before.method}, imagined",
        )
        return replace(track, fused=fused, imagined=imagined)


def landmarks_on_canvas(track: FaceTrack) -> Landmarks:
    """The reference's landmarks in pixels of the canvas.

    Raises:
        InputError: no face was found in the reference.
        UsageError: there is no reference yet.
    """
    if track.reference is None or track.canvas is None:
        raise UsageError("found no reference frame and no canvas to draw a face on; run the stage 'align' before")
    chief = track.observations[track.reference]
    if chief.landmarks is None:
        raise InputError(
            f"no face was found in the reference frame '{chief.frame.name}', so there is nowhere to draw one; choose "
            "another frame with --reference"
        )
    points = track.canvas.from_reference.apply(chief.landmarks.points)
    return Landmarks(points.astype(np.float32), chief.landmarks.source)


def misfit_of(measurements: Measurements, picture: FloatArray, to_canvas: Similarity) -> float:
    """The misfit of a picture on the canvas; ``to_canvas`` takes pixels of the measurements' square to its own."""
    cut = read_aligned(picture, to_canvas, measurements.side)
    with torch.inference_mode():
        return float(measurements.misfit(torch.from_numpy(cut.transpose(2, 0, 1)[None].copy()))[0])
