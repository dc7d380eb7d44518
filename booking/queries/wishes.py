"""What a stay costs with what a guest has chosen beside it: for pages. The placing transaction reckons it anew."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from booking.domain.coupons import NOTHING_LEFT, Coupon
from booking.domain.errors import CouponRefused, StayRuleBroken
from booking.domain.pricing import Ask, Wishes, quote
from booking.domain.words import Said
from booking.queries.coupons import active_coupon, judge_coupon
from booking.queries.search import Offer, make_offer


@dataclass(frozen=True, slots=True)
class Wished:
    """An offer with all wishes that can be had in it. `refusals` say, by field, why the others cannot."""

    offer: Offer
    wishes: Wishes
    refusals: dict[str, Said]


def price_wishes(session: Session, offer: Offer, wishes: Wishes, now: datetime) -> Wished:
    """The offer as this guest would have it. A code or ages that are refused are left out, and said."""
    refusals: dict[str, Said] = {}
    try:
        wishes.party(offer.guests)
    except StayRuleBroken as broken:
        wishes, refusals["child_ages"] = replace(wishes, child_ages=()), broken.said
    try:
        return Wished(_with(offer, wishes, _find_coupon(session, offer, wishes, now), now), wishes, refusals)
    except CouponRefused as refused:
        wishes, refusals["code"] = replace(wishes, code=""), refused.said
    return Wished(_with(offer, wishes, None, now), wishes, refusals)


def _find_coupon(session: Session, offer: Offer, wishes: Wishes, now: datetime) -> Coupon | None:
    if not wishes.code:
        return None
    found = session.scalar(active_coupon(offer.listing.property_id, wishes.code))
    return judge_coupon(session, found, offer.listing, offer.stay, now).terms


def _with(offer: Offer, wishes: Wishes, coupon: Coupon | None, now: datetime) -> Offer:
    if not wishes:
        return offer
    today = offer.listing.property.today(now)
    price = quote(offer.listing.rates, Ask.by(offer.stay, offer.guests, today, wishes, coupon, offer.member_off))
    if coupon and price.total.minor <= 0:
        raise CouponRefused(NOTHING_LEFT)
    return make_offer(offer.listing, offer.stay, price, now, offer.member_off)
