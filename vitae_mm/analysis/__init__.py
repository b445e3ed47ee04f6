"""Analysis of trained networks, and reproduction of the papers' experiments."""
