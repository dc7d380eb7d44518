"""What the house wants of its guests' cards: whether they are saved, for how much damage, and where guests may pay."""

import logging
from dataclasses import dataclass

from booking.database import transaction
from booking.domain.errors import HouseRefused
from booking.domain.money import Money, step
from booking.queries.search import find_property
from booking.runtime import Runtime
from booking.services import audit
from booking.services.houses import take_over

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CardRules:
    """`damage_most` is what a guest agrees to for damage, at most; zero where nothing is charged for it."""

    keeps_cards: bool
    damage_most: Money
    pays_on_page: bool


def keep_card_rules(runtime: Runtime, rules: CardRules, who: str) -> None:
    """Ask this of guests from now on; what guests agreed to before stays as it was. Commits.

    Raises:
        HouseRefused: there is no house yet, or the amount cannot be charged; nothing was changed.
    """
    with transaction() as session:
        place = find_property(session)
        if place is None:
            raise HouseRefused(problems={"keeps_cards": "Describe the house first."})
        if rules.damage_most.minor % step(place.currency):
            raise HouseRefused(problems={"damage_most": "Such an amount cannot be charged in this currency."})
        values = {
            "keeps_cards": rules.keeps_cards,
            "damage_most_minor": rules.damage_most.minor if rules.keeps_cards else 0,
            "pays_on_page": rules.pays_on_page,
        }
        before, after = take_over(place, values)
        now = runtime.clock.now()
        audit.record(session, who, "house.card_rules", f"property {place.id}", now, before=before, after=after)
    logger.info("card_rules_kept", extra={"keeps_cards": rules.keeps_cards, "pays_on_page": rules.pays_on_page})
