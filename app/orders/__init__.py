"""HOW MANY: work orders."""
