"""Against the truth: the simulated camera knows what it filmed, so every picture can be measured."""

from pathlib import Path

import mfrec
from mfrec.camera.film import SCALE, astronaut, draw_shoot, film
from mfrec.metrics.calibration import normalised_error
from mfrec.metrics.psnr import psnr
from mfrec.metrics.ssim import ssim

# Every number that was set or drawn is in the shoot: written to JSON, it makes the same film again.
shoot = draw_shoot(frames=7, size=48, seed=1)
Path("shoot.json").write_text(shoot.to_json())
filmed = film(astronaut(), shoot)
clip = Path("portrait.mp4")
clip.write_bytes(filmed.clip)

result = mfrec.reconstruct(clip, scale=SCALE, crop="frame")
truth = filmed.truth[result.record["reference"]["index"]]  # of the moment that the result shows

for name, picture in (("bicubic", result.reference), ("evidence", result.evidence), ("restore", result.image)):
    print(f"{name:9} {psnr(picture, truth):.2f} dB, SSIM {ssim(picture, truth):.3f}")
print(f"error over stated uncertainty: {normalised_error(result.uncertainty, result.image, truth):.2f} (1 is honest)")
