"""Frames in, one picture out, and a folder that says how it came about."""

from pathlib import Path

import mfrec
from mfrec.camera.film import astronaut, draw_shoot, film

# A public-domain portrait, filmed badly. Put your own clip, folder or list of files in its place.
clip = Path("portrait.mp4")
clip.write_bytes(film(astronaut(), draw_shoot(frames=7, size=48, seed=1)).clip)

result = mfrec.reconstruct(clip)

print(result.stamp, result.image.shape, result.record["reference"]["why"])
print(f"measured: {result.observed.mean():.0%}, uncertainty: {255 * result.uncertainty.mean():.1f} grey levels")
for path in mfrec.save(result, "portrait.mfrec", overwrite=True):
    print(path)
