"""Ways to bring a face into the pose of another picture of the same person, one in each file.

Each is a function ``(source, target, landmarks, masks) -> Reposed``: pictures ``[h, w, 3]`` and ``[H, W, 3]`` in
[0, 1], the landmarks and the masks of both in their own pixels, source first.
"""
