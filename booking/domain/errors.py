"""The errors a guest or member of staff may cause. Errors of the payment provider live in gateways/payments.py."""

from typing import ClassVar

from booking.domain.words import Said, say


class BookingError(Exception):
    """Base of all refusals. `code` is for tests and logs, `said` for people; `user_message` is its plain English."""

    code: ClassVar[str] = "booking_error"
    default_message: ClassVar[Said] = say("That could not be done.")

    def __init__(self, said: Said | str | None = None, **details: object) -> None:
        # A bare text is for staff, whose pages are in English.
        self.said = say("{text}", text=said) if isinstance(said, str) else said or self.default_message
        self.details = details
        super().__init__(f"{self.code}: {self.said}")

    @property
    def user_message(self) -> str:
        """What is wrong, in plain English."""
        return str(self.said)


class InvalidDates(BookingError):
    """The two dates are missing, impossible or the wrong way round."""

    code = "invalid_dates"
    default_message = say("Those dates are not possible.")


class StayRuleBroken(BookingError):
    """The nights may be free, but a rule of the listing forbids this stay. `details["field"]` names the field."""

    code = "stay_rule_broken"
    default_message = say("This stay is not possible.")


class DatesUnavailable(BookingError):
    """Somebody else has at least one of the nights."""

    code = "dates_unavailable"
    default_message = say("Someone booked these nights while you were typing. Nothing was charged.")


class PriceChanged(BookingError):
    """The price the guest agreed to is not today's price; `details["shown"]` and `details["total"]` are Money."""

    code = "price_changed"
    default_message = say("The price has changed since you last saw it. Nothing was charged.")


class PlanChanged(BookingError):
    """What is paid when is not what the guest saw: the house has changed its plan, or a day has passed."""

    code = "plan_changed"
    default_message = say("When this stay is paid has changed since you last saw it. Nothing was charged.")


class WayChanged(PlanChanged):
    """What was booked at once is a request by now, or the other way round. Nothing is held."""

    code = "way_changed"
    default_message = say(
        "The house has changed how this stay is booked. Read it again, then go on. Nothing was charged."
    )


class CouponRefused(BookingError):
    """A code that is not known, or not for this stay, or used up."""

    code = "coupon_refused"
    default_message = say("We do not know this code. Check how it is written, or leave the field empty.")


class RateRefused(BookingError):
    """Prices that cannot be; `details["field"]` names the field to correct."""

    code = "rate_refused"
    default_message = say("These prices are not possible.")


class RateNotFound(BookingError):
    """No such season, discount, fee, tax, extra or code."""

    code = "rate_not_found"
    default_message = say("We cannot find that price.")


class TooManyHolds(BookingError):
    """One browser holds as many unpaid stays as it may."""

    code = "too_many_holds"
    default_message = say("You are already holding several stays. Pay for one or let one go first.")


class BookingNotFound(BookingError):
    """No such booking, or not one that this person may see: the two are told apart nowhere."""

    code = "booking_not_found"
    default_message = say("We cannot find that booking.")


class ListingNotFound(BookingError):
    """No such listing, or it is not on sale."""

    code = "listing_not_found"
    default_message = say("We cannot find that stay.")


class TransitionRefused(BookingError):
    """The state machine has no such step."""

    code = "transition_refused"
    default_message = say("This booking is not in a state that allows that.")


class RefundRefused(BookingError):
    """More than is left, nothing left, or an amount that is no amount."""

    code = "refund_refused"
    default_message = say("That refund is not possible.")


class PolicyRefused(BookingError):
    """A cancellation policy cannot be like this; `details["field"]`, if any, names what to correct."""

    code = "policy_refused"
    default_message = say("That policy is not possible.")


class PlanRefused(BookingError):
    """A plan of the club cannot be like this; `details["field"]` names the field to correct."""

    code = "plan_refused"
    default_message = say("That plan is not possible.")


class PlanNotFound(BookingError):
    """No such plan, or nobody can join it now."""

    code = "plan_not_found"
    default_message = say("We cannot find that membership.")


class AlreadyMember(BookingError):
    """Somebody who is a member wants to become one."""

    code = "already_member"
    default_message = say("You are a member already.")


class EvidenceRefused(BookingError):
    """An answer to a dispute that cannot be kept or sent; `details["field"]`, if any, names the text to correct."""

    code = "evidence_refused"
    default_message = say("That answer cannot be sent.")


class HouseRefused(BookingError):
    """A property, listing or unit cannot be like this; `details["problems"]`, if any, says why, by the field."""

    code = "house_refused"
    default_message = say("This cannot be kept like that. What to change stands beside the fields.")


class StaffRefused(BookingError):
    """An account cannot be made or changed like this; `details["field"]` names the field to correct."""

    code = "staff_refused"
    default_message = say("That account is not possible.")


class SignInRefused(BookingError):
    """Wrong address or password: the same words for both."""

    code = "sign_in_refused"
    default_message = say("That e-mail address and password do not match.")


class TooManyTries(BookingError):
    """A limit was reached; `details["retry_after"]` is in seconds."""

    code = "too_many_tries"
    default_message = say("That was tried too often. Please wait a little and try again.")
