"""What is measured, and how to run it again: `make bench`. Each against a baseline of the same run, as a ratio."""
