"""The record of a run, and running it again from its record.

``run.json`` (schema 1) holds what went in (paths, SHA-256, MD5), what was done with it (every stage with every
parameter, as it ran), what with (versions, a digest of mfrec's own source, the machine), and what came out (a digest
of every file). Nothing in it depends on the clock but ``created`` and the seconds of the steps.
"""
