"""One stage alone: find the person in every frame, and register one frame onto another by hand."""

from pathlib import Path

import numpy as np

from mfrec.camera.film import astronaut, draw_shoot, film
from mfrec.intake import read_track
from mfrec.pipeline import Run
from mfrec.registration.dense import register
from mfrec.stages.track import Track
from mfrec.types import Canvas, Similarity

clip = Path("portrait.mp4")
clip.write_bytes(film(astronaut(), draw_shoot(frames=5, size=48, seed=1)).clip)

bare = read_track(clip)
found = Track()(bare, Run())  # a stage returns a new track and leaves the one that it was given alone
assert bare.observations[0].box is None
for observation in found.observations:
    print(observation.frame.name, "box", np.rint(observation.box).astype(int), "score", f"{observation.score:.2f}")

# The function inside the stage `align`: a canvas of the first frame at its own size, the last frame onto it.
first, last = (found.observations[i].frame.image for i in (0, -1))
canvas = Canvas(0, 0, first.shape[1], first.shape[0], scale=1)
registration = register(first, last, canvas.into_frame(Similarity.identity()), canvas)
print(f"moved by {registration.displacement:.2f} px, residual {255 * registration.residual:.1f} grey levels")
