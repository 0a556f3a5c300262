"""Frames onto one another, and the choice of the frame that they are brought to."""
