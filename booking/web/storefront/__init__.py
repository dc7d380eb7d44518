"""Pages for guests who are looking: home, results, one stay, and the plain texts."""
