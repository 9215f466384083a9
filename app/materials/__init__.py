"""WITH WHAT: lots, packages and where they were loaded."""
