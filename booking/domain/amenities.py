"""What a place can have, in words and with an icon. Listings keep the keys; what a key means is said here alone."""

from collections.abc import Iterable
from dataclasses import dataclass

from booking.domain.words import Said, say


@dataclass(frozen=True, slots=True)
class Amenity:
    """One thing a guest finds. `icon` names a drawing in templates/icons; the words stand beside it."""

    key: str
    said: Said
    icon: str


# In the order in which guests ask about them.
AMENITIES = (
    Amenity("wifi", say("Wifi"), "wifi"),
    Amenity("kitchen", say("Kitchen"), "cooking-pot"),
    Amenity("bath", say("Bath"), "bath"),
    Amenity("shower", say("Shower"), "shower-head"),
    Amenity("heating", say("Heating"), "heater"),
    Amenity("fireplace", say("Fireplace or stove"), "flame"),
    Amenity("sea_view", say("View of the sea"), "waves"),
    Amenity("parking", say("Parking"), "circle-parking"),
    Amenity("garden", say("Garden"), "trees"),
    Amenity("bed_linen", say("Bed linen and towels"), "bed-double"),
    Amenity("washing_machine", say("Washing machine"), "washing-machine"),
    Amenity("workspace", say("Table to work at"), "laptop"),
    Amenity("breakfast_things", say("Things for breakfast"), "croissant"),
    Amenity("cot", say("Cot for a baby"), "baby"),
    Amenity("dogs_welcome", say("Dogs are welcome"), "dog"),
    Amenity("step_free", say("No steps to the door or inside"), "accessibility"),
    Amenity("fire_pit", say("Fire pit"), "flame-kindling"),
    Amenity("outdoor_shower", say("Outdoor shower"), "droplets"),
    Amenity("bicycles", say("Bicycles"), "bike"),
    Amenity("hair_dryer", say("Hair dryer"), "wind"),
)


def known_amenities(keys: Iterable[str]) -> list[Amenity]:
    """What the keys stand for, in this module's order. A key from another version of the program is left out."""
    wanted = set(keys)
    return [amenity for amenity in AMENITIES if amenity.key in wanted]
