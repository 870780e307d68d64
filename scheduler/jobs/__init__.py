"""Jobs: each joins rooms with plain values; a job is a function of a session or engine and a time."""
