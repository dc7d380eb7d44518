"""What kind of run a seed gives: how crowded, and which troubles how often. Drawn once, from the seed alone."""

from dataclasses import dataclass, replace
from random import Random

# What is left of a seed's number after fives, where more is going on than when `seeds.txt` was begun. None that was
# kept there by then is one of these, so they all keep the run that they had.
LATER = (3, 4)
# And what is left after tens, where there is a club.
WITH_CLUB = 4


@dataclass(frozen=True)
class Weather:
    """Chances are per boundary (or, for Stripe and mail, per call); zero means that this trouble never comes."""

    units: int
    guests: int
    nights: int
    steps: int
    slowness: float = 1.0  # how often events come and the worker works, beside what guests do
    pause: float = 0.0  # somebody else goes on while this one waits
    death: float = 0.0
    stripe: float = 0.0
    refusal: float = 0.0
    database: float = 0.0
    mail: float = 0.0
    lost_events: float = 0.0
    late_requests: float = 0.0
    oddities: float = 0.0  # other amounts, copied sessions, disputes, other shops on the account
    changes: float = 0.0  # how often staff change and move stays
    skew: int = 0  # seconds by which Stripe's clock is ahead of ours
    deposit: int = 0  # percent of the price that is paid with the booking; zero: all of it
    damage: int = 0  # cards are saved, and so much may be charged for damage at most; zero: none are
    answer_hours: int = 0  # the host accepts or declines each stay, in so many hours; zero: everybody books at once
    days_before: int = 0  # so long before arrival a balance is due
    club: bool = False  # guests can join a club, and book at its members' rate
    pays_later: bool = False  # a card is kept with the booking, and all of the price is a balance

    @property
    def saves_cards(self) -> bool:
        """Whether guests leave cards that may be charged later."""
        return bool(self.damage or self.pays_later)


def draw_weather(dice: Random, seed: int) -> Weather:
    """What was here from the beginning; and in some seeds what came later, from dice of its own."""
    weather = _draw_first(dice)
    if seed % 10 == WITH_CLUB:
        weather = replace(weather, club=True)
    return _draw_later(weather, Random(f"later {seed}")) if seed % 5 in LATER else weather


def _draw_later(weather: Weather, dice: Random) -> Weather:
    if dice.random() < 0.4:
        return replace(weather, answer_hours=dice.choice((1, 24, 96)))
    plan = {"deposit": dice.choice((0, 20, 50)), "days_before": dice.choice((0, 7, 14))}
    weather = replace(weather, **plan, damage=dice.choice((0, 5000)))
    return replace(weather, pays_later=True, deposit=0) if dice.random() < 0.3 else weather


def _draw_first(dice: Random) -> Weather:
    """Each trouble is there or not, so that runs differ in kind: some calm, some a storm."""

    def sometimes(chance: float, *strengths: float) -> float:
        return dice.choice(strengths) if dice.random() < chance else 0.0

    return Weather(
        units=dice.choice((1, 1, 2)),
        guests=dice.choice((2, 3, 3, 4)),
        nights=dice.choice((2, 4, 6)),
        steps=dice.choice((30, 40, 50)),
        slowness=dice.choice((1.0, 1.0, 0.15)),
        pause=sometimes(0.8, 0.1, 0.3, 0.6),
        death=sometimes(0.4, 0.01, 0.03, 0.08),
        stripe=sometimes(0.5, 0.05, 0.15, 0.4),
        refusal=sometimes(0.15, 0.02, 0.05),
        database=sometimes(0.35, 0.01, 0.03, 0.08),
        mail=sometimes(0.3, 0.3),
        lost_events=sometimes(0.5, 0.2, 0.5, 1.0),
        late_requests=sometimes(0.3, 0.3),
        oddities=sometimes(0.4, 0.3, 1.0),
        skew=dice.choice((0, 0, 0, -90, 90)),
        changes=sometimes(0.5, 2.0, 6.0),
    )
