"""How the shipped model was made. Not needed to run Liaison; needs PyTorch and the research corpora (README.md)."""
