"""Results beside the truth of the user's own pictures, and judged by people."""
