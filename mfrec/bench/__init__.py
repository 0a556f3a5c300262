"""Measuring methods on sequences whose truth is known: runs, tables, plots, the document that they fill."""
