"""What did the scanner say? A serial, a label, or a printed code of ours; and whether all of it arrived."""
