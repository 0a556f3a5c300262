"""Many registered frames to one picture: robust super-resolution, a learned one's inputs, glare."""
