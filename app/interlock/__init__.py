"""May it? The gate: facts in, a verdict out, each asked, decided and logged; nothing is ever remembered as a flag."""
