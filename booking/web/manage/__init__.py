"""A guest's own booking: its page, its calendar file, and the links that lead to it."""
