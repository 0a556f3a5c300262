"""The nineteen face regions, numbered as in CelebAMask-HQ (Lee et al., "MaskGAN", CVPR 2020)."""

from __future__ import annotations

from enum import IntEnum


class Region(IntEnum):
    """CelebAMask-HQ classes; the value is the id in a label map. L and R are the person's own."""

    BACKGROUND = 0
    SKIN = 1
    NOSE = 2
    EYEGLASSES = 3
    L_EYE = 4
    R_EYE = 5
    L_BROW = 6
    R_BROW = 7
    L_EAR = 8
    R_EAR = 9
    MOUTH = 10
    U_LIP = 11
    L_LIP = 12
    HAIR = 13
    HAT = 14
    EARRING = 15
    NECKLACE = 16
    NECK = 17
    CLOTH = 18
