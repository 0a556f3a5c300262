"""Endless training samples and fixed validation lists, one task a file."""
