"""What the shop's pages are measured against: Flask saying hello."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
@app.get("/healthz")
def hello() -> str:
    """The smallest page there is."""
    return "hello"
