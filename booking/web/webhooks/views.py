"""The webhook route: bytes in, a code that Stripe understands out. No cookie, no session, no form token."""

import logging

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from booking import metrics
from booking.extensions import DATABASE_AWAY, csrf
from booking.gateways.payments import BadSignature, PaymentGatewayError
from booking.services.webhooks import ReceiptStatus, receive_event
from booking.web.security import has_length
from booking.wiring import current_runtime

blueprint = Blueprint("webhooks", __name__)
logger = logging.getLogger(__name__)


# Stripe counts a redirect as a failed delivery, so both spellings of the address answer.
@blueprint.post("/webhooks/stripe")
@blueprint.post("/webhooks/stripe/")
@csrf.exempt  # Stripe signs what it sends; it has no form of ours to take a token from
def stripe() -> ResponseReturnValue:
    """One delivery."""
    if not has_length(request):
        return jsonify(error="a length is needed"), 411
    try:
        body = request.get_data(cache=True)
        receipt = receive_event(current_runtime(), body, request.headers.get("Stripe-Signature"))
    except RequestEntityTooLarge:
        return jsonify(error="too large"), 413
    except BadSignature as error:
        metrics.count_bad_signature()
        logger.warning("webhook_refused", extra={"why": str(error)})
        return jsonify(error="signature or body not valid"), 400
    except PaymentGatewayError as error:
        logger.warning("webhook_not_fetched", extra={"error": error.code})
        return jsonify(error="object not available, please retry"), 503
    except DATABASE_AWAY:
        return jsonify(error="database not available, please retry"), 503
    except Exception:  # logged by the service; its text is nobody's business
        return jsonify(error="internal error"), 500
    if receipt.status is ReceiptStatus.UNMATCHED:
        return jsonify(error="booking not found"), 404
    return jsonify(status="success" if receipt.status is ReceiptStatus.HANDLED else "ignored"), 200
