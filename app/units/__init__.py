"""THE BOARD: units and panels, their work, and what is installed in them."""
