"""What people do at a station: scans, verdicts, results, repairs, set-ups; told as a machine would tell them."""
