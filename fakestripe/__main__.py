"""`python -m fakestripe`: reads the command line, serves until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import sys

from fakestripe.app import create_app
from fakestripe.mirror import UnusableFile
from fakestripe.options import Options
from fakestripe.server import Server, serve, stop_on_signal
from fakestripe.world import World

DEFAULT_PORT = 12111


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m fakestripe", description="A SIMULATED Stripe.")
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
    add("--i-know-this-is-not-loopback", action="store_true", help="allow another --host")
    add("--db", metavar="FILE", help="keep the state in this SQLite file (default: memory)")
    add("--webhook", metavar="URL", help="send events there")
    add("--secret", action="append", default=[], metavar="WHSEC", help="signing secret; two roll")
    add("--seed", type=int, help="the same seed gives the same ids")
    add("--public-url", metavar="URL", help="how browsers reach this server (default: as called)")
    add("--retry-scale", type=float, default=Options.retry_scale, help="1 = hours (default: 1/60)")
    add("--record", metavar="FILE", help="append each exchange and each event to this file, a line of JSON each")
    add("--webhook-timeout", type=float, default=Options.webhook_timeout, metavar="SECONDS")
    add("--rate-limit", type=int, metavar="N", help="API requests a second (default: no limit)")
    add("--redirect-hold", type=float, default=Options.redirect_hold, metavar="SECONDS")
    options = parser.parse_args(argv)
    refusal = find_refusal(options)
    if refusal:
        parser.error(refusal)
    return options


def find_refusal(options: argparse.Namespace) -> str | None:
    """Why not to start with this command line."""
    if not is_loopback(options.host) and not options.i_know_this_is_not_loopback:
        return (
            f"--host {options.host} would show the simulator to other machines; "
            "add --i-know-this-is-not-loopback if that is what you want"
        )
    if options.secret and not options.webhook:
        return "--secret needs --webhook"
    if any(not secret.startswith("whsec_") for secret in options.secret):
        return "a --secret begins with whsec_"
    if options.retry_scale <= 0:
        return "--retry-scale must be above zero"
    if options.rate_limit is not None and options.rate_limit < 1:
        return "--rate-limit must be at least 1"
    return None


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def main(argv: list[str] | None = None) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    given = parse(sys.argv[1:] if argv is None else argv)
    secrets = tuple(given.secret)
    options = Options(
        database=given.db,
        webhook_url=given.webhook,
        webhook_secrets=secrets,
        seed=given.seed,
        public_url=given.public_url,
        retry_scale=given.retry_scale,
        webhook_timeout=given.webhook_timeout,
        redirect_hold=given.redirect_hold,
        rate_limit=given.rate_limit,
        record=given.record,
    )
    try:
        app = create_app(options)
    except UnusableFile as error:
        print(f"fakestripe {error}", file=sys.stderr)
        return 1
    world: World = app.extensions["fakestripe"]
    server = Server(app, given.host, given.port)
    try:
        server.prepare()
    except OSError as error:
        print(f"fakestripe cannot listen on {given.host}:{given.port}: {error}", file=sys.stderr)
        return 1
    stop_on_signal(world)
    announce(world, given.host, server.port)
    serve(server, world)
    return 0


def announce(world: World, host: str, port: int) -> None:
    print(f"fakestripe (SIMULATED) listens on http://{host}:{port}", flush=True)
    for endpoint in world.store.all("webhook_endpoint"):
        print(f"sends events to {endpoint['url']}", flush=True)
        for secret in endpoint["_secrets"]:
            print(f"signing secret {secret}", flush=True)
    if not world.store.all("webhook_endpoint"):
        print("sends no events: give --webhook URL, or POST /_fake/webhook", flush=True)


if __name__ == "__main__":
    sys.exit(main())
