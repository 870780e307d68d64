"""What the mentions say: model, concerns, trust, trends, alerts, digest content."""
