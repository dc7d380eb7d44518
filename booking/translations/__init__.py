"""The catalogues of sentences in other languages, and how they are kept in step with the program."""
