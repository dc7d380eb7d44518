"""Puts the Flask application in front of one simulator."""

from __future__ import annotations

from flask import Flask

from fakestripe import api, jobs, listening, pruning, sim
from fakestripe.beginning import build_world
from fakestripe.dashboard import views as dashboard
from fakestripe.hosted import looks, portal, views
from fakestripe.options import Options
from fakestripe.stripejs import views as stripejs
from fakestripe.world import World


def create_app(options: Options | None = None) -> Flask:
    """A Flask application with a world of its own; nothing is shared between two of them."""
    options = options or Options()
    world = build_world(options)
    app = Flask(__name__, static_folder=None)
    app.extensions["fakestripe"] = world
    looks.register(app)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(views.blueprint)
    app.register_blueprint(portal.blueprint)
    app.register_blueprint(stripejs.blueprint)
    app.register_blueprint(dashboard.blueprint)
    app.register_blueprint(listening.blueprint)
    app.register_blueprint(sim.blueprint)
    app.register_blueprint(sim.blueprint, name="sim_by_its_older_address", url_prefix="/_sim")
    if options.background:
        world.dispatcher.start(world, tick)
    return app


def tick(world: World) -> None:
    """What happens by itself, several times a second."""
    jobs.run_due(world)
    pruning.forget_old(world)
