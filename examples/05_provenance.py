"""Read back where the pixels came from: the record and the arrays of an output folder."""

from pathlib import Path

import numpy as np

import mfrec
from mfrec.camera.film import astronaut, draw_shoot, film
from mfrec.provenance.record import read_record

clip = Path("portrait.mp4")
clip.write_bytes(film(astronaut(), draw_shoot(frames=5, size=48, seed=1)).clip)
out = Path("evidence.mfrec")
mfrec.save(mfrec.reconstruct(clip, recipe="evidence"), out, overwrite=True)

record = read_record(out)
print("made", record["created"], "from", len(record["used"]), "frames, reference", record["reference"]["name"])

with np.load(out / "provenance.npz") as arrays:
    weight, observed, uncertainty = arrays["weight"], arrays["observed"], arrays["uncertainty"]
    names = arrays["names"]
row, column = (side // 2 for side in observed.shape)
shares = ", ".join(f"{name} {share:.0%}" for name, share in zip(names, weight[:, row, column], strict=True))
print(f"the pixel in the middle: {shares}; expected error {255 * uncertainty[row, column]:.1f} grey levels")

sure = (observed > 0.5) & (uncertainty < 0.04)  # measured rather than assumed, and within 4 % of full scale
print(f"{sure.mean():.0%} of the picture is both")
