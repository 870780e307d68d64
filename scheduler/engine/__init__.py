"""How jobs run: embedded in one process by default."""
