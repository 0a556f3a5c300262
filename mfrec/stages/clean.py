"""Decompress and enlarge every frame by a network that was told what the codec threw away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from mfrec.camera.conditions import conditions
from mfrec.camera.noise import NoiseModel, noise_of
from mfrec.pipeline import Run
from mfrec.runtime.threads import side_by_side
from mfrec.types import Cleaned, FaceTrack, FloatArray

BATCH_PIXELS = 64 * 64 * 8
"""Frame pixels that go through the network at once; more would only take memory."""


MIRRORED_PIXELS = 48 * 48
"""Pixels of a frame's window up to which it is cleaned twice. It is worth 0.04 to 0.06 dB at 32, 64 and 128 px alike
(six sequences of development people, JPEGs), and costs a tenth of a run at 32 px, a quarter at 64 px and above."""


def clean_frames(
    network: Any, images: Sequence[FloatArray], noises: Sequence[NoiseModel], *, mirrored: bool = False
) -> list[tuple[FloatArray, FloatArray]]:
    """Clean pictures of one size.

    Args:
        network: a :class:`mfrec.nets.clean.Clean` in evaluation mode.
        images: ``[h, w, 3]`` RGB in [0, 1] each, cut at a corner of a codec block.
        noises: what is known of each picture's codec.
        mirrored: clean each picture as it is and mirrored, and take the mean (self-ensemble; Lim et al., "Enhanced deep
            residual networks for single image super-resolution", CVPRW 2017, section 3.4).

    Returns:
        For each picture ``image [4 h, 4 w, 3]`` in [0, 1] and ``sigma [4 h, 4 w]``.
    """
    import torch

    from mfrec.nets.threads import one_thread

    device = next(network.parameters()).device
    stacked = torch.from_numpy(np.stack([np.moveaxis(image, 2, 0) for image in images])).to(device)
    told = torch.from_numpy(np.stack([conditions(noise) for noise in noises])).to(device)
    with torch.inference_mode(), one_thread():
        image, log_variance = network(stacked.contiguous(memory_format=torch.channels_last), told)
        if mirrored:
            again = network(stacked.flip(-1).contiguous(memory_format=torch.channels_last), told)
            image = 0.5 * (image + again.image.flip(-1))
            log_variance = 0.5 * (log_variance + again.log_variance.flip(-1))
        pictures = image.clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
        sigmas = torch.exp(0.5 * log_variance[:, 0]).cpu().numpy()
    return list(zip(pictures, sigmas, strict=True))


@dataclass(frozen=True)
class Clean:
    """Remove the codec's artifacts and enlarge each frame by a network (artifact-removal U-Net, told the quantiser).

    Attributes:
        card: of the network.
        mirrored: clean each frame twice, the second time mirrored, and take the mean; ``"auto"`` does so up to
            :data:`MIRRORED_PIXELS`.
    """

    card: str = "clean"
    mirrored: bool | Literal["auto"] = "auto"

    learned = True

    name: ClassVar[str] = "clean"
    needs: ClassVar[frozenset[str]] = frozenset({"registration"})
    gives: ClassVar[frozenset[str]] = frozenset({"cleaned"})
    literature: ClassVar[tuple[str, ...]] = (
        "O. Ronneberger, P. Fischer, T. Brox, U-Net: convolutional networks for biomedical image segmentation, "
        "MICCAI 2015",
        "J. Jiang, K. Zhang, R. Timofte, Towards flexible blind JPEG artifacts removal, ICCV 2021",
    )

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        network = run.network(self.card, "clean")
        parts: dict[tuple[int, ...], list[int]] = defaultdict(list)
        windows = []
        for position, o in enumerate(track.observations):
            assert o.registration is not None
            x0, y0 = o.registration.window
            rows, columns = o.registration.landing.shape[:2]
            windows.append(o.frame.image[y0 : y0 + rows, x0 : x0 + columns])
            parts[rows, columns].append(position)
        out = list(track.observations)
        batches = [
            positions[start : start + step]
            for (rows, columns), positions in parts.items()
            for step in [max(1, BATCH_PIXELS // (rows * columns))]
            for start in range(0, len(positions), step)
        ]

        def cleaned(batch: list[int]) -> list[tuple[FloatArray, FloatArray]]:
            pixels = windows[batch[0]].shape[0] * windows[batch[0]].shape[1]
            twice = pixels <= MIRRORED_PIXELS if self.mirrored == "auto" else self.mirrored
            noises = [noise_of(out[k].frame) for k in batch]
            return clean_frames(network, [windows[k] for k in batch], noises, mirrored=twice)

        done = 0
        for batch, made in zip(batches, side_by_side(cleaned, batches), strict=True):
            for k, (image, sigma) in zip(batch, made, strict=True):
                registration = out[k].registration
                assert registration is not None
                out[k] = replace(out[k], cleaned=Cleaned(image, sigma, registration.window, network.scale))
            done += len(batch)
            run.progress(self.name, done, len(out))
        return replace(track, observations=tuple(out))
