"""What the house and its stays are in the words of schema.org, for engines that read facts rather than pages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from booking.models import Listing, Property
from booking.queries.search import Offer, from_price, sold_rates

Facts = dict[str, Any]
SCHEMA = "https://schema.org"
SQUARE_METRE = "MTK"  # UN/CEFACT's code, as schema.org wants units


def describe_house(
    place: Property, listings: Sequence[Listing], url: str, pictures: Sequence[str], now: datetime
) -> Facts:
    """The house as a LodgingBusiness: where it is, whom to ask, from when to when one comes and goes."""
    facts = {"@context": SCHEMA, "@type": "LodgingBusiness", "@id": f"{url}#house", "name": place.name, "url": url}
    return _without_gaps(
        {
            **facts,
            **_place_facts(place),
            "email": place.contact_email,
            "telephone": place.contact_phone,
            "currenciesAccepted": place.currency.upper(),
            "image": list(pictures),
            "priceRange": _price_range(place, listings, now),
        }
    )


def describe_stay(
    listing: Listing, offer: Offer | None, language: str, url: str, pictures: Sequence[str], now: datetime
) -> Facts:
    """One listing as a VacationRental. The price is that of the nights asked for, or what a night costs at least."""
    place = listing.property
    return _without_gaps(
        {
            "@context": SCHEMA,
            "@type": "VacationRental",
            "@id": url,
            "identifier": listing.registration or listing.slug,
            "name": listing.name,
            "description": listing.words("description", language) or listing.words("summary", language),
            "url": url,
            "image": list(pictures),
            **_place_facts(place),
            "containsPlace": _rooms(listing),
            "makesOffer": _offer_facts(listing, offer, url, now),
        }
    )


def _price_range(place: Property, listings: Sequence[Listing], now: datetime) -> str:
    """From the cheapest night to the dearest, in no language: "EUR 74.00-236.00". Empty where nothing is on sale."""
    cards = [sold_rates(listing, now) for listing in listings]
    prices = sorted({price.major for card in cards for price in (card.cheapest, card.dearest)})
    ends = [str(price) for price in (*prices[:1], *prices[1:][-1:])]
    return f"{place.currency.upper()} {'-'.join(ends)}" if ends else ""


def _place_facts(place: Property) -> Facts:
    address = {"@type": "PostalAddress", "streetAddress": place.address} if place.address else None
    return {"address": address, "checkinTime": place.check_in_from, "checkoutTime": place.check_out_by}


def _rooms(listing: Listing) -> Facts:
    return _without_gaps(
        {
            "@type": "Accommodation",
            "additionalType": "EntirePlace",
            "occupancy": {"@type": "QuantitativeValue", "maxValue": listing.max_guests},
            "numberOfBedrooms": listing.bedrooms,
            "floorSize": _area(listing.area_m2),
        }
    )


def _area(square_metres: int | None) -> Facts | None:
    if square_metres is None:
        return None
    return {"@type": "QuantitativeValue", "value": square_metres, "unitCode": SQUARE_METRE}


def _offer_facts(listing: Listing, offer: Offer | None, url: str, now: datetime) -> Facts:
    facts: Facts = {"@type": "Offer", "url": url, "businessFunction": "http://purl.org/goodrelations/v1#LeaseOut"}
    if offer:
        total = {"price": str(offer.total.major), "priceCurrency": offer.total.currency.upper()}
        return {**facts, **total, "availability": f"{SCHEMA}/InStock"}
    least = from_price(listing, now)
    unit = {"minPrice": str(least.major), "priceCurrency": least.currency.upper(), "unitText": "night"}
    return {**facts, "priceSpecification": {"@type": "UnitPriceSpecification", **unit}}


def _without_gaps(facts: Facts) -> Facts:
    return {name: value for name, value in facts.items() if value not in (None, "", [])}
