"""The social networks: one module each knows how to listen and publish there, its limits and its policy."""
