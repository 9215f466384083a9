"""WHAT NEXT: what must be in the slots, what is, and when it runs out."""
