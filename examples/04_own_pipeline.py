"""A chain of your own: stages in a row, each with parameters of your choice."""

from pathlib import Path

import mfrec
from mfrec.camera.film import astronaut, draw_shoot, film
from mfrec.imageio import png_bytes, to_uint8
from mfrec.intake import read_track
from mfrec.stages.align import Align
from mfrec.stages.assess import Assess
from mfrec.stages.fuse import Fuse
from mfrec.stages.parse import Parse
from mfrec.stages.track import Track

clip = Path("portrait.mp4")
clip.write_bytes(film(astronaut(), draw_shoot(frames=5, size=48, seed=1)).clip)

# Whether each stage gets what it needs is checked here, before any work is done.
chain = mfrec.Pipeline([Track(), Align(scale=2), Parse(method="polygons"), Assess(), Fuse(method="median")])
run = mfrec.Run(progress=print)
track = chain(read_track(clip), run)

Path("median.png").write_bytes(png_bytes(to_uint8(track.fused.image)))
for step in run.steps:
    print(f"{step.stage}: {step.seconds:.2f} s, {step.method}")
