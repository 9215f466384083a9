"""Birthmark: traceability for electronics lines, from the reel to the reference designator."""
