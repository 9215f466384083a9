"""The line board: what stands before everybody's eyes. Reads only, from every capability."""
