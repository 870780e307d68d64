"""Riverton, a town that does not exist: its posts, places and people, written for the demo and the docs."""
