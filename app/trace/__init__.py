"""Questions about genealogy. Reads only."""
