"""Codes in pictures. A leaf that stations import, too: one cascade, measured once, on both sides."""
