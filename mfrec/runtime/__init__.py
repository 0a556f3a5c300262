"""Threads and interruption of a running process."""
