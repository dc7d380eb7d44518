"""Rules that are true with pencil and paper: standard library only, `now` and `today` passed in."""
