"""Pixels and warps: colour, filters, interpolation, geometry, drawing. Knows no face and no file."""
