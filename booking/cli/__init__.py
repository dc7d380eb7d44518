"""Commands: each parses, calls one service or query, prints plain lines, and exits non-zero on failure."""
