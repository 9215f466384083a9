"""The product with a simulated line at it, and the record held against what that line really built."""
