"""Routes of the stand-in for Stripe.js: the script at `/v3/`, and the frame in which a card is typed.

Source: docs.stripe.com/js. Only what a page with one Payment Element needs: Stripe(), elements(), create("payment"),
mount(), on(), confirmPayment(). The card never enters the shop's page: it is typed into the frame, and the frame
confirms with the publishable key and the client secret, as Stripe's own does.
"""

from __future__ import annotations

from flask import Blueprint, Response, current_app, make_response, render_template_string, request

blueprint = Blueprint("stripejs", __name__, static_folder="static", static_url_path="/v3/_static")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'"
)
FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Card (SIMULATED)</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{{ url_for('stripejs.static', filename='frame.css') }}">
</head>
<body class="{{ theme }}">
<form id="fields" novalidate>
<p class="band">SIMULATED: no bank, no money</p>
<p class="wide"><label for="cardNumber">Card number</label>
<input id="cardNumber" name="cardNumber" inputmode="numeric" autocomplete="cc-number"
 placeholder="4242 4242 4242 4242"></p>
<p><label for="cardExpiry">Expiry date (MM / YY)</label>
<input id="cardExpiry" name="cardExpiry" inputmode="numeric" autocomplete="cc-exp" placeholder="12 / 34"></p>
<p><label for="cardCvc">Security code</label>
<input id="cardCvc" name="cardCvc" inputmode="numeric" autocomplete="cc-csc" placeholder="123"></p>
<p id="problem" class="problem wide" role="alert" hidden></p>
</form>
<script src="{{ url_for('stripejs.static', filename='frame.js') }}"></script>
</body>
</html>
"""


@blueprint.get("/v3/")
@blueprint.get("/v3")
def script() -> Response:
    """What a page includes in place of https://js.stripe.com/v3/."""
    return current_app.make_response(blueprint.send_static_file("stripe.js"))


@blueprint.get("/v3/fields")
def fields() -> Response:
    """The frame; it may stand in any page, as Stripe's may."""
    theme = "night" if request.args.get("theme") == "night" else "day"
    response = make_response(render_template_string(FRAME, theme=theme))
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.after_request
def protect(response: Response) -> Response:
    """Types are not guessed; the address of the shop's page goes nowhere."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
