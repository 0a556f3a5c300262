"""The declared camera and codec, forwards (what a frame would show) and backwards (how far to trust it)."""
