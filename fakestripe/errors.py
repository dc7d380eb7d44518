"""Stripe's error envelope, and one maker for each refusal (docs.stripe.com/api/errors)."""

from __future__ import annotations

from typing import Any

DOC_URL = "https://docs.stripe.com/error-codes#"


class ApiError(Exception):
    """A refusal with Stripe's shape.

    `executed` is False when the request was refused before its endpoint began: then no
    idempotent result is kept. `keep_effects` marks a refusal that is itself an effect, such as
    a declined charge, which stays on record.
    """

    def __init__(self, status: int, type_: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.executed: bool = details.pop("executed", True)
        self.keep_effects: bool = details.pop("keep_effects", False)
        self.headers: dict[str, str] = details.pop("headers", {})
        self.details: dict[str, Any] = {"type": type_, "message": message, **details}

    def body(self) -> dict[str, Any]:
        error = {key: value for key, value in self.details.items() if value is not None}
        if "code" in error:
            error["doc_url"] = DOC_URL + error["code"].replace("_", "-")
        return {"error": error}


def invalid_request(
    message: str, *, code: str | None = None, param: str | None = None, executed: bool = True
) -> ApiError:
    """The endpoint ran and says no."""
    return ApiError(400, "invalid_request_error", message, code=code, param=param, executed=executed)


def invalid_parameter(message: str, param: str, code: str | None = None) -> ApiError:
    """Refused while reading the parameters."""
    return invalid_request(message, code=code, param=param, executed=False)


def unknown_parameter(param: str) -> ApiError:
    message = (
        f"Received unknown parameter: {param}. (fakestripe refuses what it does not simulate, "
        "even where Stripe itself knows it.)"
    )
    return invalid_parameter(message, param, "parameter_unknown")


def missing_parameter(param: str) -> ApiError:
    return invalid_parameter(f"Missing required param: {param}.", param, "parameter_missing")


def not_simulated(what: str, param: str) -> ApiError:
    """Stripe knows it, we do not: say so instead of pretending."""
    return invalid_parameter(f"fakestripe does not simulate {what}.", param, "parameter_unknown")


def resource_missing(kind: str, record_id: str, param: str = "id", status: int = 404) -> ApiError:
    noun = kind.rpartition(".")[2]
    return ApiError(
        status,
        "invalid_request_error",
        f"No such {noun}: '{record_id}'",
        code="resource_missing",
        param=param,
    )


def unauthorized(message: str) -> ApiError:
    return ApiError(401, "invalid_request_error", message, executed=False)


def no_access(account: str) -> ApiError:
    message = f"The provided key does not have access to account '{account}' (or that account does not exist)."
    return ApiError(403, "invalid_request_error", message, code="account_invalid", executed=False)


def unrecognized_url(method: str, path: str) -> ApiError:
    message = f"Unrecognized request URL ({method}: {path}). fakestripe has no such endpoint."
    if path.endswith("/"):
        message += (
            " If you are trying to list objects, remove the trailing slash. If you are trying to retrieve an "
            "object, make sure you passed a valid (non-empty) identifier in your code."
        )
    return ApiError(404, "invalid_request_error", message, executed=False)


def rate_limited() -> ApiError:
    """The header names the limiter: docs.stripe.com/rate-limits."""
    message = "Request rate limit exceeded. Learn more about rate limits here https://docs.stripe.com/rate-limits."
    headers = {"Stripe-Rate-Limited-Reason": "global-rate"}
    return ApiError(429, "invalid_request_error", message, code="rate_limit", executed=False, headers=headers)


def lock_timeout() -> ApiError:
    """Another request held the object: docs.stripe.com/rate-limits#object-lock-timeouts."""
    message = (
        "This object cannot be accessed right now because another API request or Stripe process is currently "
        "accessing it. If you see this error intermittently, retry the request."
    )
    return ApiError(429, "invalid_request_error", message, code="lock_timeout", executed=False)


def server_error() -> ApiError:
    message = "An error occurred with our connection to Stripe. (simulated fault)"
    return ApiError(500, "api_error", message)


def own_failure() -> ApiError:
    """A defect of this program, not an order: the log has the traceback."""
    return ApiError(500, "api_error", "fakestripe itself failed; what went wrong is in its log.")
