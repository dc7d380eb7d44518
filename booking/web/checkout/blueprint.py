"""The checkout's blueprint. Its pages register themselves on it."""

from flask import Blueprint

blueprint = Blueprint("checkout", __name__)
