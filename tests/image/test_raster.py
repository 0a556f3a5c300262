"""Which surface is seen where: the nearer one, at the right place and depth."""

import numpy as np

from mfrec.image.raster import rasterise

BACK = np.array([[0, 0, 5], [19, 0, 5], [19, 19, 5], [0, 19, 5]], float)
QUAD = np.array([[0, 1, 2], [0, 2, 3]])


def test_values_at_the_vertices_are_interpolated_exactly():
    raster = rasterise(BACK, QUAD, 20, 20)
    assert (raster.triangle >= 0).all()
    places = raster.read(BACK[:, :2], QUAD)
    y, x = np.mgrid[:20, :20]
    assert np.allclose(places, np.dstack([x, y]), atol=1e-4)
    assert np.allclose(raster.depth, 5)
    assert np.allclose(raster.share.sum(axis=-1), 1, atol=1e-5)


def test_the_nearer_surface_hides_the_other_whatever_the_order():
    front = np.array([[4, 4, 1], [12, 4, 1], [12, 12, 3], [4, 12, 3]], float)
    for first, second in ((BACK, front), (front, BACK)):
        raster = rasterise(np.concatenate([first, second]), np.concatenate([QUAD, QUAD + 4]), 20, 20)
        assert np.allclose(raster.depth[8, 5:12], 2, atol=1e-4)
        assert np.allclose(raster.depth[15], 5)


def test_what_lies_outside_or_has_no_area_is_not_drawn():
    raster = rasterise(np.array([[30, 30, 0], [40, 30, 0], [40, 40, 0], [1, 1, 0]], float), QUAD[:1], 20, 20)
    assert (raster.triangle == -1).all() and np.isinf(raster.depth).all()
    line = rasterise(np.array([[0, 0, 0], [9, 9, 0], [18, 18, 0]], float), np.array([[0, 1, 2]]), 20, 20)
    assert (line.triangle == -1).all()


def test_large_and_small_triangles_together_leave_no_hole():
    rng = np.random.default_rng(0)
    inner = rng.uniform(0, 63, (60, 2))
    points = np.concatenate([[[0, 0], [63, 0], [63, 63], [0, 63]], inner])
    from scipy.spatial import Delaunay

    triangles = Delaunay(points).simplices
    raster = rasterise(np.column_stack([points, np.zeros(len(points))]), triangles, 64, 64)
    assert (raster.triangle >= 0).all()
