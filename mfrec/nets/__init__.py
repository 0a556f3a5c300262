"""Networks, one a file, with the paper (and the licence where it is not ours) on top.

A card names one of :data:`NETS`. The module is imported when its network is wanted, so that reading this dictionary
costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

NETS: dict[str, str] = {
    "bionet": "mfrec.nets.bionet:BioNet",
    "bisenet": "mfrec.nets.bisenet:BiSeNet",
    "clean": "mfrec.nets.clean:Clean",
    "crossover_unet": "mfrec.nets.crossover_unet:CrossoverUnet",
    "dynamic_unet": "mfrec.nets.dynamic_unet:DynamicUnet",
    "enhance": "mfrec.nets.enhance:Enhance",
    "enhance_discriminator": "mfrec.nets.enhance_discriminator:EnhanceDiscriminator",
    "feature_merge": "mfrec.nets.feature_merge:FeatureMerge",
    "few_shot": "mfrec.nets.few_shot:FewShot",
    "finetune": "mfrec.nets.finetune:Finetune",
    "fusion": "mfrec.nets.fusion:Fusion",
    "gaze": "mfrec.nets.gaze:Gaze",
    "irse50": "mfrec.nets.irse50:Irse50",
    "mtcnn": "mfrec.nets.mtcnn:Mtcnn",
    "multi_frame_unet": "mfrec.nets.multi_frame_unet:MultiFrameUnet",
    "psfrgan": "mfrec.nets.psfrgan:Psfrgan",
    "recognition": "mfrec.nets.recognition:Recognition",
    "relativistic_discriminator": "mfrec.nets.relativistic_discriminator:RelativisticDiscriminator",
    "rrdb": "mfrec.nets.rrdb:Rrdb",
    "shift_tolerant": "mfrec.nets.shift_tolerant:ShiftTolerant",
    "srgan_discriminator": "mfrec.nets.srgan_discriminator:SrganDiscriminator",
    "srresnet": "mfrec.nets.srresnet:Srresnet",
    "style_directions": "mfrec.nets.style_directions:StyleDirections",
    "stylegan": "mfrec.nets.stylegan:Stylegan",
    "stylegan2": "mfrec.nets.stylegan2:Stylegan2",
    "stylegan2_discriminator": "mfrec.nets.stylegan2_discriminator:Stylegan2Discriminator",
}
"""The ``net`` of a card to ``module:Class``. All are ``torch.nn.Module``."""


def network_class(name: str) -> type[Any]:
    """Import the class of a network.

    Raises:
        KeyError: ``name`` is not in :data:`NETS`.
    """
    module, _, attribute = NETS[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
