"""What the two HTTP doors, JSON and HTML, share. It lies under both; capabilities never import it."""
