"""What gunicorn and the flask command load."""

import gc

# What is made at the start lives as long as the process: looking through it for garbage again and again takes a fifth
# of the start, and frozen it is never looked through (nor its memory touched) later.
gc.disable()

from booking.cli.startup import load_app  # noqa: E402

app = load_app()
gc.freeze()
gc.enable()
