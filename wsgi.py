"""What gunicorn and the flask command load."""

from booking.cli.startup import load_app

app = load_app()
