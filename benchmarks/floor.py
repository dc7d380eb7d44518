"""The least that news could cost over HTTP: Flask, the shop's models and sessions, and the floor of a confirmation."""

import os

from flask import Flask

from benchmarks.engine import write_floor
from booking import models  # noqa: F401  (registers the tables)
from booking.database import let_go, prepare_engine
from booking.extensions import db

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
db.init_app(app)
app.teardown_appcontext(let_go)
with app.app_context():
    prepare_engine(db.engine)


@app.get("/healthz")
def hello() -> str:
    """For whoever waits until it serves."""
    return "hello"


@app.post("/")
def write() -> str:
    """An event written, a booking changed, both committed."""
    write_floor()
    return "written"
