"""A recipe of your own in a TOML file; what it does not say keeps the stage's default, what is unknown is refused."""

from pathlib import Path

import mfrec
from mfrec.camera.film import astronaut, draw_shoot, film
from mfrec.recipe import load

clip = Path("portrait.mp4")
clip.write_bytes(film(astronaut(), draw_shoot(frames=5, size=48, seed=1)).clip)
Path("mean.toml").write_text(
    """
    name = "mean"
    stamp = "ENHANCED"
    stages = ["track", "align", "fuse"]

    [fuse]
    method = "mean"
    """
)

result = mfrec.reconstruct(clip, recipe="mean.toml", settings=["align.smoothness=60"])
print([step["stage"] for step in result.record["steps"]], result.record["steps"][1]["parameters"]["smoothness"])

try:
    load("evidense")
except mfrec.UsageError as error:
    print(error)
