"""The guest club: its page, signing in by a mailed link, joining, and the account."""
