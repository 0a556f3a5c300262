"""Where a face is, its landmarks, regions, eyes, pose and surface, and whose it is."""
