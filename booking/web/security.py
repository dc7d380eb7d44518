"""Headers, cookies and limits on what may come in: the same for every answer, errors and static files included."""

from flask import Flask, Request, Response, current_app, request
from flask_login import current_user
from werkzeug.exceptions import Forbidden, LengthRequired
from werkzeug.middleware.proxy_fix import ProxyFix

from booking.domain.papers import LARGEST
from booking.domain.pictures import MOST_BYTES, MOST_FILES
from booking.services.limits import SEARCHING, Limit, count_try, count_try_if_possible, network_of
from booking.wiring import current_runtime

MOST_BODY_BYTES = 1_000_000
# Where staff, and nobody else, may send more: photos, which come several at a time, and a file for a bank.
LARGE_BODIES = {
    "admin.add_photos": MOST_FILES * MOST_BYTES + MOST_BODY_BYTES,
    "admin.add_evidence_file": LARGEST + MOST_BODY_BYTES,
}
CHECKOUT_ORIGIN = "https://checkout.stripe.com"
PORTAL_ORIGIN = "https://billing.stripe.com"
STRIPE_SCRIPTS, STRIPE_CALLS = "https://js.stripe.com", "https://api.stripe.com"
STRIPE_FRAMES = "https://*.js.stripe.com https://hooks.stripe.com"

_FIXED_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# Pages whose address or content is private: the address must not travel, and nobody may keep a copy.
_PRIVATE = ("/b/", "/m/", "/pay/", "/manage", "/club", "/admin")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
# What a browser says of where a request was begun: https://www.w3.org/TR/fetch-metadata/. Forms of ours say the first;
# the second is somebody who reloads. Older browsers say nothing, and for them the token in the form decides alone.
_OUR_OWN = ("same-origin", "none")


def install(app: Flask) -> None:
    """Fix cookies, body limits, proxies and headers of the app."""
    settings = app.extensions["holdfast"].settings
    secure = settings.base_url.startswith("https:")
    app.config.update(
        MAX_CONTENT_LENGTH=MOST_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=200_000,
        SESSION_COOKIE_NAME="__Host-stay" if secure else "stay",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        # Lax, because Strict would be dropped on the way back from Stripe.
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        WTF_CSRF_TIME_LIMIT=12 * 3600,
        WTF_CSRF_SSL_STRICT=False,  # Referrer-Policy hides the address on private pages; the token decides
    )
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    # First of all, before the forms' tokens are looked at: what comes from another site gets no form back.
    app.before_request_funcs.setdefault(None, [])[:0] = [_refuse_other_sites, _let_staff_send_photos]
    app.before_request(_require_length)
    app.before_request(_count_search)
    app.after_request(_add_headers)
    app.extensions["holdfast_csp"] = _content_policy(settings.stripe_api_base)


def client_address() -> str:
    """The visitor's address as limits count it."""
    return network_of(request.remote_addr)


def let_forms_lead_to_portal(response: Response) -> None:
    """On this page alone a form may end at Stripe's customer portal, where its memberships are seen to."""
    policy = current_app.extensions["holdfast_csp"]
    if CHECKOUT_ORIGIN in policy:  # any other host stands for all of Stripe's
        policy = policy.replace(CHECKOUT_ORIGIN, f"{CHECKOUT_ORIGIN} {PORTAL_ORIGIN}")
    response.headers["Content-Security-Policy"] = policy


def is_private(path: str) -> bool:
    """Whether answers at this path must not be kept or told of."""
    return path.startswith(_PRIVATE) or path.endswith(("/book", "/review"))


def _refuse_other_sites() -> None:
    # Stripe is another site and sends no form of a browser's; what it sends is signed.
    if request.method in _SAFE_METHODS or request.blueprint == "webhooks":
        return
    if request.headers.get("Sec-Fetch-Site", "none") not in _OUR_OWN:
        raise Forbidden


def _let_staff_send_photos() -> None:
    # Before the form's token is looked for, because looking for it reads the body.
    most = LARGE_BODIES.get(request.endpoint or "")
    if most and current_user.is_authenticated:
        request.max_content_length = most


def _count_search() -> None:
    # Only with dates does the page look for what is free, which is the part that costs.
    if request.endpoint == "storefront.stays" and request.args.get("arrive"):
        count_try_if_possible(current_runtime(), SEARCHING, client_address())


def count(limit: Limit) -> None:
    """Count one try of this visitor's network. Raises TooManyTries."""
    count_try(current_runtime(), limit, client_address())


def _require_length() -> None:
    # A body sent in chunks would slip past MAX_CONTENT_LENGTH and be cut off without a word.
    # The webhook makes the same check itself, to answer in JSON.
    if request.method in ("POST", "PUT", "PATCH") and request.blueprint != "webhooks" and not has_length(request):
        raise LengthRequired


def has_length(asked: Request) -> bool:
    """Whether a request says how long its body is; one sent in chunks does not."""
    return asked.content_length is not None and "Transfer-Encoding" not in asked.headers


def _add_headers(response: Response) -> Response:
    headers = response.headers
    for name, value in _FIXED_HEADERS.items():
        headers[name] = value
    headers.setdefault("Content-Security-Policy", current_app.extensions["holdfast_csp"])
    headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    if is_private(request.path):
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cache-Control"] = "no-store"
    if current_runtime().settings.is_production:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response


def payment_page_policy(stripe_api_base: str) -> str:
    """The content policy of the one page with Stripe.js: its script, its calls, its frames and nothing else besides.

    https://docs.stripe.com/security/guide#content-security-policy
    """
    base = stripe_api_base.rstrip("/")
    script, calls = base or STRIPE_SCRIPTS, base or STRIPE_CALLS
    frames = base or f"{STRIPE_SCRIPTS} {STRIPE_FRAMES}"
    policy = _content_policy(stripe_api_base)
    policy = policy.replace("script-src 'self'", f"script-src 'self' {script}")
    policy = policy.replace("connect-src 'self'", f"connect-src 'self' {calls}")
    return f"{policy}; frame-src {frames}"


def stripe_script(stripe_api_base: str) -> str:
    """Where that page has Stripe.js from; Stripe asks that it is never served by anybody else."""
    return f"{stripe_api_base.rstrip('/') or STRIPE_SCRIPTS}/v3/"


def _content_policy(stripe_api_base: str) -> str:
    # Chromium applies form-action to the whole redirect chain of a POST, so Stripe's page must stand in it:
    # with 'self' alone the button "Book and pay" looks dead.
    checkout = stripe_api_base.rstrip("/") or CHECKOUT_ORIGIN
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            f"form-action 'self' {checkout}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "object-src 'none'",
            "manifest-src 'self'",
        )
    )
