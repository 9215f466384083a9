"""HOW GOOD: inspections, tests, measurements and defects."""
