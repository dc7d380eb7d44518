"""The WebSocket that `stripe listen` opens after `POST /v1/stripecli/sessions`."""

from __future__ import annotations

import contextlib
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from simple_websocket import ConnectionClosed
from simple_websocket import Server as WebSocket

from fakestripe.lines import Line
from fakestripe.world import World

blueprint = Blueprint("listening", __name__)
PATH = "/stripecli/line"
PROTOCOL = "stripecli-devproxy-v1"
PING_SECONDS = 25
LONGEST_MESSAGE = 16 * 1024 * 1024


@blueprint.get(PATH, websocket=True)
def listen() -> Any:
    """Stays until one of both hangs up."""
    world: World = current_app.extensions["fakestripe"]
    line = world.lines.get(request.headers.get("Websocket-Id", ""))
    if line is None:
        # These words make the CLI ask for a new session.
        return jsonify(error={"message": "Unknown WebSocket ID."}), 404
    websocket = line.open(_accept)
    try:
        _converse(world, line, websocket)
    finally:
        line.close(websocket)
    return Response()


def _accept() -> WebSocket:
    """Take the connection away from the HTTP server, which from now on neither reads nor writes."""
    request.environ["werkzeug.socket"].settimeout(None)
    limits = {"ping_interval": PING_SECONDS, "max_message_size": LONGEST_MESSAGE}
    websocket = WebSocket.accept(request.environ, subprotocols=[PROTOCOL], **limits)
    request.environ["fakestripe.silence"]()
    return websocket


def _converse(world: World, line: Line, websocket: WebSocket) -> None:
    with contextlib.suppress(ConnectionClosed):
        while not world.stopping.is_set():
            heard = websocket.receive(timeout=1)
            if isinstance(heard, str):
                line.hear(heard)
