"""The JSON door: translates HTTP into one deed or one query each, and back. No SQL, no rules."""
