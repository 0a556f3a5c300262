"""Pictures of eyes whose gaze, iris and pupil are known, because they were drawn from them.

A small model of what is seen: an eyeball that turns in its socket, the iris as a disc in it, the pupil in the iris,
lids that lie on the ball and follow the gaze, a corneal reflection of each light, the shadow of the upper lid, skin
with its crease, lashes and sometimes a brow; then a camera of any sharpness. Learning gaze from drawn eyes goes back to
Wood et al., "Rendering of eyes for eye-shape registration and gaze estimation" (ICCV 2015); sizes in millimetres are
those of anatomy (Bekerman, Gottlieb and Vaiman, Journal of Ophthalmology 2014, for the eyeball; a cornea of 7.8 mm
radius; an iris of 5.9 mm). Left out: refraction by the cornea, the angle between optical and visual axis, glasses.

Drawing the numbers and drawing the picture are two functions, so any eye can be drawn again. Axes: x to the right of
the picture, y down, z to the camera, origin in the centre of the eyeball. It is always an eye on the left of a picture,
with the nose to its right; mirror it for the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.face.eyes import CORNERS, EYE, HEIGHT, WIDTH
from mfrec.image.geometry import resize
from mfrec.train.data.degrade import through_jpeg
from mfrec.types import Drawn, FloatArray

BALL, LID, CORNEA, CORNEA_CENTRE = 12.1, 12.7, 7.8, 5.6
"""Radii of the eyeball, of the lids' inside and of the cornea, and how far the cornea's centre lies before the ball's,
in millimetres."""

FINER = 2
"""Each pixel is the mean of so many readings along each axis."""

IRIS_POINTS, PUPIL_POINTS = 16, 8
"""Of :func:`contours`, on each of the two circles."""

IRISES = ((0.24, 0.13, 0.07), (0.13, 0.07, 0.04), (0.33, 0.42, 0.52), (0.38, 0.40, 0.38), (0.34, 0.36, 0.20))
"""Brown, dark brown, blue, grey, green."""

SKINS = ((0.93, 0.77, 0.69), (0.84, 0.64, 0.52), (0.62, 0.42, 0.31), (0.32, 0.20, 0.14))


@dataclass(frozen=True)
class Eye(Drawn):
    """Everything that is drawn; angles in radians, lengths in millimetres, colours RGB in [0, 1].

    Attributes:
        gaze: ``(yaw, pitch)`` against the camera, positive to the right of the picture and up.
        head: the same of the head.
        iris, pupil: radii.
        off_centre: of the pupil in the iris, ``(x, y)``.
        height: of the ball above the line of the corners.
        opening: of the upper and of the lower lid at rest, from the line of the corners.
        blink: 1 is open as usual, 0 is closed.
        skew: of the lids' highest point towards the nose.
        colour, skin, sclera: as they are under white light.
        fibres: contrast of the iris.
        limbus: width of the dark edge of the iris.
        light: direction from which it comes, a unit vector. ambient: its share from everywhere.
        reflections: of each, direction of the light and radius.
        crease: height of the fold above the lid. lashes: their thickness. brow: its height, 0 for none.
        place: error of the corners ``[2, 2]`` in pixels of the picture.
        width: pixels that the camera has from corner to corner. blur: its sigma in pixels of the result.
        noise: its sigma. quality: of JPEG, 0 for none. gain: of each colour. gamma: of all.
        seed: of textures and noise.
    """

    gaze: tuple[float, float]
    head: tuple[float, float]
    iris: float
    pupil: float
    off_centre: tuple[float, float]
    height: float
    opening: tuple[float, float]
    blink: float
    skew: float
    colour: tuple[float, ...]
    skin: tuple[float, ...]
    sclera: tuple[float, ...]
    fibres: float
    limbus: float
    light: tuple[float, ...]
    ambient: float
    reflections: tuple[tuple[tuple[float, ...], float], ...]
    crease: float
    lashes: float
    brow: float
    place: tuple[tuple[float, ...], ...]
    width: float
    blur: float
    noise: float
    quality: int
    gain: tuple[float, ...]
    gamma: float
    seed: int


@dataclass(frozen=True, eq=False)
class DrawnEye:
    """A picture with its truth.

    Attributes:
        image: ``[HEIGHT, WIDTH, 3]`` float32 RGB in [0, 1], cut as :func:`mfrec.face.eyes.cut_eye` cuts.
        iris, pupil: centres ``(x, y)`` in its pixels.
        radius: of the iris in its pixels, across the gaze.
        seen: share of the iris that no lid covers.
    """

    image: FloatArray
    iris: NDArray[np.float64]
    pupil: NDArray[np.float64]
    radius: float
    seen: float


def direction(yaw: float, pitch: float) -> NDArray[np.float64]:
    """Unit vector ``[3]`` of a gaze."""
    return np.array([math.sin(yaw) * math.cos(pitch), -math.sin(pitch), math.cos(yaw) * math.cos(pitch)])


def rotation(yaw: float, pitch: float) -> NDArray[np.float64]:
    """Matrix ``[3, 3]`` that takes the axis to the camera to :func:`direction`, and keeps the horizon."""
    toward = direction(yaw, pitch)
    right = np.array([math.cos(yaw), 0.0, -math.sin(yaw)])
    return np.column_stack([right, np.cross(toward, right), toward])


def draw_eye(rng: np.random.Generator) -> Eye:
    """Numbers of one eye, of any person under any light, seen by any camera."""
    head = (float(rng.normal(0, 0.22)), float(rng.normal(0, 0.14)))
    head = (float(np.clip(head[0], -0.6, 0.6)), float(np.clip(head[1], -0.4, 0.4)))
    turned = rotation(*head) @ direction(float(rng.uniform(-0.55, 0.55)), float(rng.uniform(-0.42, 0.35)))
    gaze = (math.atan2(turned[0], turned[2]), -math.asin(float(np.clip(turned[1], -1, 1))))
    iris = float(rng.normal(5.9, 0.2))
    tone = rng.uniform(0, len(SKINS) - 1)
    low = min(int(tone), len(SKINS) - 2)
    skin = np.array(SKINS[low]) * (1 - tone + low) + np.array(SKINS[low + 1]) * (tone - low)
    colour = np.array(IRISES[rng.choice(5, p=(0.35, 0.3, 0.15, 0.1, 0.1))]) * rng.uniform(0.7, 1.3)
    light = np.array([rng.uniform(-1, 1), rng.uniform(-1, 0.3), rng.uniform(0.3, 1.2)])
    reflections = tuple(
        (
            tuple(unit(np.array([rng.uniform(-0.8, 0.8), rng.uniform(-0.9, 0.2), 1.0])).tolist()),
            float(rng.uniform(0.3, 1.1)),
        )
        for _ in range(rng.choice(4, p=(0.15, 0.5, 0.25, 0.1)))
    )
    place = tuple(tuple(rng.normal(0, 1.2, 2).tolist()) for _ in range(2))
    return Eye(
        gaze=gaze,
        head=head,
        iris=iris,
        pupil=iris * float(rng.uniform(0.25, 0.6)),
        off_centre=tuple(rng.normal(0, 0.12, 2).tolist()),
        height=float(rng.normal(0.7, 0.7)),
        opening=(float(rng.normal(6.0, 1.1)), float(rng.normal(3.8, 0.8))),
        blink=float(rng.uniform(0.45, 1.0) if rng.random() < 0.25 else rng.uniform(0.85, 1.15)),
        skew=float(rng.normal(0.1, 0.15)),
        colour=tuple(np.clip(colour * rng.uniform(0.85, 1.15, 3), 0.01, 0.8).tolist()),
        skin=tuple(np.clip(skin * rng.uniform(0.93, 1.07, 3), 0.02, 1).tolist()),
        sclera=tuple((np.array([0.87, 0.83, 0.81]) * rng.uniform(0.75, 1.08)).tolist()),
        fibres=float(rng.uniform(0, 0.5)),
        limbus=float(rng.uniform(0.3, 1.3)),
        light=tuple(unit(light).tolist()),
        ambient=float(rng.uniform(0.35, 0.9)),
        reflections=reflections,
        crease=float(rng.uniform(1.0, 4.5)),
        lashes=float(rng.uniform(0.2, 2.0)),
        brow=float(rng.uniform(10, 16) if rng.random() < 0.4 else 0.0),
        place=place,
        width=float(np.exp(rng.uniform(math.log(8), math.log(60)))),
        blur=float(rng.uniform(0, 1.6) if rng.random() < 0.6 else 0.0),
        noise=float(rng.uniform(0, 0.05) if rng.random() < 0.6 else 0.0),
        quality=int(rng.integers(30, 96)) if rng.random() < 0.5 else 0,
        gain=tuple((rng.uniform(0.45, 1.25) * rng.uniform(0.88, 1.12, 3)).tolist()),
        gamma=float(rng.uniform(0.75, 1.4)),
        seed=int(rng.integers(2**31)),
    )


def unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same direction with length 1."""
    return vector / np.linalg.norm(vector)


def render_eye(eye: Eye, spokes: Sequence[float] | None = None) -> DrawnEye:
    """Draw an eye.

    Args:
        eye: what is drawn.
        spokes: brightness of the 48 fibres of the iris, from the left clockwise; None draws them from the eye's seed.
    """
    rng = np.random.default_rng(eye.seed)
    upper, lower = turned_margins(eye)
    scale, shift = to_millimetres(eye, upper)
    x = (np.arange(WIDTH * FINER) + 0.5) / FINER - 0.5
    y = (np.arange(HEIGHT * FINER) + 0.5) / FINER - 0.5
    plane = scale * (x[None] + 1j * y[:, None]) + shift
    X, Y = plane.real.astype(np.float32), plane.imag.astype(np.float32)
    below_upper = Y - height_of(upper, X)
    above_lower = height_of(lower, X) - Y
    open_ = np.minimum(below_upper, above_lower) > 0

    toward = direction(*eye.gaze)
    image = skin_picture(eye, X, Y, below_upper, above_lower, rng=rng)
    red = texture(rng, X.shape, 9)[open_]
    drawn = rng.normal(0, 1, 48)
    fibres = drawn if spokes is None else np.asarray(spokes, np.float64)
    image[open_], iris_pixels = ball_colours(eye, X[open_], Y[open_], below_upper[open_], red, spokes=fibres)
    area = math.pi * eye.iris**2 * toward[2] * (FINER / abs(scale)) ** 2
    sharp = image.reshape(HEIGHT, FINER, WIDTH, FINER, 3).mean(axis=(1, 3))

    iris, pupil = in_the_cut(eye, np.array([[0.0, 0.0], eye.off_centre]), (scale, shift))
    return DrawnEye(photographed(eye, sharp, rng), iris, pupil, eye.iris / abs(scale), min(1.0, iris_pixels / area))


def in_the_cut(eye: Eye, places: NDArray[np.float64], similarity: tuple[complex, complex]) -> NDArray[np.float64]:
    """Where places in the plane of the iris are seen.

    Args:
        eye: whose.
        places: ``[K, 2]`` in millimetres from the centre of the iris, along the eye's own axes to the right and down.
        similarity: of :func:`to_millimetres`.

    Returns:
        ``[K, 2]`` in pixels of the cut, whether a lid covers them or not.
    """
    axes = rotation(*eye.gaze)
    depth = math.sqrt(BALL**2 - eye.iris**2)
    seen = (depth * direction(*eye.gaze) + places @ axes[:, :2].T)[:, :2]
    scale, shift = similarity
    found = (seen @ np.array([1, 1j]) - shift) / scale
    return np.column_stack([found.real, found.imag]).astype(np.float64)


def contours(eye: Eye) -> NDArray[np.float64]:
    """Places ``[2 + 16 + 8, 2]`` in pixels of the cut: the centres of iris and pupil, then their contours.

    The contours go from the right of the eye over below and the left, :data:`IRIS_POINTS` and :data:`PUPIL_POINTS`
    places of equal angles.
    """
    centres = np.array([[0.0, 0.0], eye.off_centre])
    circles = (eye.iris * spokes_of(IRIS_POINTS), centres[1] + eye.pupil * spokes_of(PUPIL_POINTS))
    return in_the_cut(eye, np.concatenate([centres, *circles]), to_millimetres(eye, turned_margins(eye)[0]))


def spokes_of(count: int) -> NDArray[np.float64]:
    """So many unit vectors ``[count, 2]`` of equal angles."""
    angle = math.tau * np.arange(count) / count
    return np.column_stack([np.cos(angle), np.sin(angle)])


def turned_margins(eye: Eye) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both of :func:`lid_margins` as the camera sees them."""
    turn = rotation(*eye.head)
    upper, lower = (margin @ turn.T for margin in lid_margins(eye))
    return upper, lower


def to_millimetres(eye: Eye, upper: NDArray[np.float64]) -> tuple[complex, complex]:
    """The similarity ``scale * (x + i y) + shift`` from pixels of the cut to millimetres before the eyeball's centre.

    Args:
        eye: whose corners are known as well as landmarks know them.
        upper: margin of its upper lid, of :func:`turned_margins`.
    """
    corners = upper[[0, -1], :2]
    places = np.asarray(CORNERS, np.float64) + eye.place
    a, b = [complex(*p) for p in places], [complex(*p) for p in corners]
    scale = (b[1] - b[0]) / (a[1] - a[0])
    return scale, b[0] - scale * a[0]


def lid_margins(eye: Eye) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Upper and lower margin of the lids in the head's axes, ``[K, 3]`` each, from corner to corner.

    The upper lid follows the eye up and down nearly as far as it turns, the lower a third of it.
    """
    outer, inner = np.array([-14.3, 0.0, 4.0]), np.array([13.8, 0.9, 6.0])
    t = np.linspace(0, 1, 41)
    line = outer + t[:, None] * (inner - outer)
    line[:, 1] += eye.height
    roll = BALL * math.sin(eye.gaze[1] - eye.head[1])
    arch = 4 * t * (1 - t) * (1 + eye.skew * (2 * t - 1))
    up, down = eye.opening
    heights = (
        -np.clip((up + eye.height + 0.75 * roll) * eye.blink, 0.6 - down * 0.5, 12) * arch**0.8,
        np.clip((down - eye.height - 0.35 * roll) * min(1.0, 0.5 + 0.5 * eye.blink), 0.5, 9) * arch**0.9,
    )
    margins = []
    for height in heights:
        margin = line.copy()
        margin[:, 1] += height
        behind = LID**2 - margin[:, 0] ** 2 - margin[:, 1] ** 2
        margin[:, 2] = np.maximum(line[:, 2], np.sqrt(np.maximum(behind, 0.0)))
        margins.append(margin)
    return margins[0], margins[1]


def height_of(curve: NDArray[np.float64], X: NDArray) -> NDArray[np.float32]:
    """``y`` of a curve ``[K, 3]`` above each ``x``."""
    order = np.argsort(curve[:, 0])
    return np.interp(X.ravel(), curve[order, 0], curve[order, 1]).reshape(X.shape).astype(np.float32)


def ball_colours(
    eye: Eye, X: NDArray, Y: NDArray, below_upper: NDArray, red: NDArray, *, spokes: NDArray
) -> tuple[NDArray[np.float32], int]:
    """The eyeball where no lid covers it, and how many of these places belong to its iris.

    Args:
        X, Y: places ``[K]`` in millimetres.
        below_upper: how far each lies below the upper lid.
        red: of the sclera there, about [-1, 1].
        spokes: brightness ``[48]`` of the fibres of the iris.

    Returns:
        ``[K, 3]``, not clipped, and the number.
    """
    toward = direction(*eye.gaze)
    depth = math.sqrt(BALL**2 - eye.iris**2)
    # Where the ray of a place meets the plane of the iris, and how far that is from its centre.
    z = (depth - toward[0] * X - toward[1] * Y) / max(toward[2], 0.2)
    turned = rotation(*eye.gaze)
    across = turned[0, 0] * X + turned[1, 0] * Y + turned[2, 0] * z
    along = turned[0, 1] * X + turned[1, 1] * Y + turned[2, 1] * z
    radius = np.hypot(across, along)
    from_pupil = np.hypot(across - eye.off_centre[0], along - eye.off_centre[1])

    Z = np.sqrt(np.maximum(BALL**2 - X**2 - Y**2, 0.5))
    lit = np.clip((X * eye.light[0] + Y * eye.light[1] + Z * eye.light[2]) / BALL, 0, 1)
    shade = eye.ambient + (1 - eye.ambient) * lit
    shade = shade * (1 - 0.55 * np.exp(-below_upper / 1.3))

    redness = np.clip((np.abs(X) - 8) / 6, 0, 1) + 0.15 * red
    white = np.array(eye.sclera) * (1 - redness[:, None] * np.array([0.10, 0.38, 0.35]))
    fibre = np.interp((np.arctan2(along, across) + math.pi) * 48 / math.tau, np.arange(49), [*spokes, spokes[0]])
    edge = np.clip((eye.iris - radius) / eye.limbus, 0, 1)
    tint = (1 + eye.fibres * (0.35 * fibre + 0.5 * (0.7 - radius / eye.iris))) * (0.45 + 0.55 * edge)
    coloured = np.array(eye.colour) * np.clip(tint, 0.1, 2)[:, None]
    hole = np.clip((from_pupil - eye.pupil) / 0.25, 0, 1)[:, None]
    coloured = coloured * hole + 0.025 * (1 - hole)
    # The limbus is a soft border of about half a millimetre.
    share = np.clip((eye.iris + 0.25 - radius) / 0.5, 0, 1)[:, None]
    out = (white * (1 - share) + coloured * share) * shade[:, None]
    for light, size in eye.reflections:
        spot = CORNEA_CENTRE * toward + CORNEA * unit(np.add(light, (0, 0, 1)))
        out = out + 0.8 * np.clip((size - np.hypot(X - spot[0], Y - spot[1])) / 0.3, 0, 1)[:, None]
    return out.astype(np.float32), int(np.count_nonzero(radius < eye.iris))


def skin_picture(
    eye: Eye, X: NDArray, Y: NDArray, below_upper: NDArray, above_lower: NDArray, *, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Lids, crease, lashes and brow ``[h, w, 3]``."""
    tilt = 1 + 0.02 * (1 - eye.ambient) * (eye.light[0] * X + eye.light[1] * Y)
    grey = tilt * (1 + 0.06 * texture(rng, X.shape, 6) + 0.04 * texture(rng, X.shape, 40))
    over = -below_upper  # height over the upper margin, in millimetres
    within = np.clip(1 - np.abs(X) / 17, 0, 1) ** 0.5
    grey = grey * (1 - 0.35 * within * np.exp(-(((over - eye.crease) / 0.6) ** 2)))
    grey = grey * (1 - 0.25 * within * np.exp(-(((over - eye.crease - 2.5) / 2.5) ** 2)))
    under = -above_lower
    grey = grey * (1 - 0.15 * within * np.exp(-(((under - 3.5) / 2.0) ** 2)))
    hair = np.exp(-np.maximum(over, 0) / eye.lashes) * (over > 0) * within
    hair = np.maximum(hair, 0.35 * np.exp(-np.maximum(under, 0) / (0.6 * eye.lashes)) * (under > 0) * within)
    if eye.brow:
        arch = -eye.brow - 1.5 + 0.012 * (X - 3) ** 2
        hair = np.maximum(hair, 0.8 * np.exp(-(((Y - arch) / 1.8) ** 2)) * (0.8 + 0.3 * texture(rng, X.shape, 30)))
    hair = np.clip(hair, 0, 1)[..., None]
    skin = np.array(eye.skin) * np.clip(grey, 0.2, 1.5)[..., None]
    return (skin * (1 - 0.85 * hair) + 0.05 * 0.85 * hair).astype(np.float32)


def texture(rng: np.random.Generator, shape: tuple[int, ...], cells: int) -> NDArray[np.float32]:
    """Smooth noise of unit variance or less, with so many bumps across the picture."""
    coarse = rng.normal(0, 1, (max(2, cells * shape[0] // shape[1]), cells)).astype(np.float32)
    return resize(coarse, shape[0], shape[1])


def photographed(eye: Eye, sharp: NDArray, rng: np.random.Generator) -> FloatArray:
    """What a camera of that sharpness delivers, brought back to the size of the cut ``[HEIGHT, WIDTH, 3]``."""
    image = np.clip(sharp * eye.gain, 0, 1) ** eye.gamma
    image = image.astype(np.float32)
    if eye.blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), eye.blur, borderType=cv2.BORDER_REPLICATE), np.float32)
    share = min(1.0, eye.width / EYE)
    if share < 1:
        image = resize(image, max(4, round(HEIGHT * share)), max(6, round(WIDTH * share)), interpolation="area")
    image = np.clip(image + rng.normal(0, eye.noise, image.shape), 0, 1).astype(np.float32)
    if eye.quality:
        image = through_jpeg(image, eye.quality).image
    if image.shape[:2] != (HEIGHT, WIDTH):
        image = resize(image, HEIGHT, WIDTH)
    return np.clip(image, 0, 1).astype(np.float32)
