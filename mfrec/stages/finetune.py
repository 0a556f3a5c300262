"""Finish the fused picture by a network that sees it alone, and take back what the frames do not allow.

The network is one that corrects a picture on its own grid (:mod:`mfrec.nets.finetune`,
:mod:`mfrec.nets.dynamic_unet`), or one of single pictures that
enlarges: it then gets the picture made smaller by as much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from mfrec.cards.single_picture import KINDS, SinglePicture, enlarged_again
from mfrec.errors import UsageError
from mfrec.fusion.bounded import bound
from mfrec.fusion.track_sources import consistency_with, sources_of
from mfrec.pipeline import Run, in_range
from mfrec.stages.fuse import Fuse
from mfrec.types import FaceTrack, FloatArray


def finished(network: Any, image: FloatArray) -> FloatArray:
    """One picture through the network.

    Args:
        network: in evaluation mode: a :class:`mfrec.nets.finetune.Finetune`, a
            :class:`mfrec.nets.dynamic_unet.DynamicUnet` with three channels, or one of :data:`KINDS`, see
            :func:`mfrec.cards.single_picture.enlarged_again`.
        image: ``[H, W, 3]`` RGB in [0, 1].

    Returns:
        ``[H, W, 3]`` in [0, 1].
    """
    import torch

    from mfrec.nets.threads import one_thread

    device = next(network.parameters()).device
    if hasattr(network, "scale"):
        return enlarged_again(SinglePicture("finetune", network, network.scale, network.channels, device=device), image)
    stacked = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None])).to(device)
    with torch.inference_mode(), one_thread():
        made = network(stacked.contiguous(memory_format=torch.channels_last))
        return made[0].clamp(0, 1).permute(1, 2, 0).cpu().numpy()


@dataclass(frozen=True)
class Finetune:
    """Correct the fused picture by a single-frame network, within what the frames allow.

    The network's picture is the prior of :func:`mfrec.fusion.bounded.bound` with the error that the fused picture was
    said to have: where the frames are sure they have the last word, and ``observed`` is their share. Who gave a pixel
    stays as it was, and so does its expected error: the network is not known to be surer than what it was given.

    Attributes:
        card: of the network; where it learnt from a discriminator the recipe has to be stamped NOT EVIDENCE.
        psf_sigma: of the camera, as in :class:`~mfrec.stages.fuse.Fuse`.
    """

    card: str = "finetune"
    psf_sigma: float | Literal["auto"] = "auto"

    learned = True

    name: ClassVar[str] = "finetune"
    needs: ClassVar[frozenset[str]] = frozenset({"fused", "registration"})
    gives: ClassVar[frozenset[str]] = frozenset({"fused"})
    literature: ClassVar[tuple[str, ...]] = (
        "O. Ronneberger, P. Fischer, T. Brox, U-Net: convolutional networks for biomedical image segmentation, "
        "MICCAI 2015",
        "K. Zhang, W. Zuo, Y. Chen, D. Meng, L. Zhang, Beyond a Gaussian denoiser: residual learning of deep CNN for "
        "image denoising, IEEE TIP 2017",
    )

    def __post_init__(self) -> None:
        if self.psf_sigma != "auto":
            in_range("finetune.psf_sigma", self.psf_sigma, 0.05, 5)

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        if track.fused is None or track.canvas is None:
            raise UsageError("stage 'finetune' found no picture to finish; run the stage 'fuse' or 'cross' before it")
        settings = Fuse(psf_sigma=self.psf_sigma).settings(track)
        run.resolve({"psf_sigma": settings.psf_sigma})
        before = track.fused
        prior = finished(run.network(self.card, "finetune", "dynamic_unet", *KINDS), before.image)
        bounded = bound(sources_of(track), prior, before.uncertainty, track.canvas, settings)
        fused = replace(
            before,
            image=bounded.image,
            observed=np.minimum(before.observed, bounded.observed),
            consistency=consistency_with(track.observations, bounded.image, track.canvas, settings.psf_sigma),
            method=f"{before.method}, finetuned",
        )
        return replace(track, fused=fused)
