"""The nineteen face regions and which of the 68 landmarks outline them.

The numbering is that of CelebAMask-HQ (Lee et al., "MaskGAN", CVPR 2020), so a label picture
of that dataset and a :class:`~mfrec.types.RegionMasks` use the same ids. "Left" and "right"
follow the dataset: as the viewer sees the picture, ``L_EYE`` is the eye on the left of the image.
The landmark indices are those of the 68-point scheme of 300-W (Sagonas et al., 2013), 0-based.
"""

from enum import IntEnum


class Region(IntEnum):
    """CelebAMask-HQ classes; the value is the id in a label map."""

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


JAW = tuple(range(0, 17))
L_BROW_POINTS = tuple(range(17, 22))
R_BROW_POINTS = tuple(range(22, 27))
NOSE_BRIDGE = tuple(range(27, 31))
NOSE_BASE = tuple(range(31, 36))
L_EYE_POINTS = tuple(range(36, 42))
R_EYE_POINTS = tuple(range(42, 48))
OUTER_LIPS = tuple(range(48, 60))
INNER_LIPS = tuple(range(60, 68))
