"""Public mentions in: sources, watch rules, intake, places, triage."""
