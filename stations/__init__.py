"""Programs at the line: each tells the product over CFX what its machine did, and loses nothing."""
