"""The evidence picture alone: no network makes a pixel of it, and every frame's share is known."""

from pathlib import Path

import mfrec
from mfrec.camera.film import astronaut, draw_shoot, film

clip = Path("portrait.mp4")
clip.write_bytes(film(astronaut(), draw_shoot(frames=7, size=48, seed=1)).clip)

result = mfrec.reconstruct(clip, recipe="evidence", crop="face", scale=3)

assert result.stamp == "ENHANCED" and (result.image == result.evidence).all()
for observation, share in zip(result.track.observations, result.weight.mean(axis=(1, 2)), strict=True):
    print(f"{observation.frame.name}: {share:.0%} of the picture")
for dropped in result.track.dropped:
    print(f"{dropped.name}: left out, {dropped.reason}")
