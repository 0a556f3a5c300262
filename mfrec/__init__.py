"""mfrec: one picture of a face from many poor ones, with a record of where each pixel came from."""

__version__ = "0.1.0"
