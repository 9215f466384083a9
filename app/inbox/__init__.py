"""Every event once: the one transaction that turns machines' messages into facts."""
