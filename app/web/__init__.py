"""The HTML door: pages for people, rendered on the server. One query or one deed each, no SQL."""
