"""Forms about the house itself. Each offers one method that gives what the service wants."""

from collections.abc import Mapping
from typing import Any, Protocol
from zoneinfo import available_timezones

from babel import Locale
from flask_wtf import FlaskForm
from wtforms import (
    Field,
    IntegerField,
    MultipleFileField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from booking.domain.amenities import AMENITIES
from booking.domain.errors import HouseRefused
from booking.domain.house_facts import CURRENCIES, HouseFacts, ListingFacts
from booking.domain.money import parse_major
from booking.domain.pictures import MOST_BYTES, MOST_FILES
from booking.language import DEFAULT, LANGUAGES
from booking.services.catalogue import NewListing
from booking.web.guest_fields import normalise_address
from booking.web.text import one_line, some_lines

OTHER_LANGUAGES = tuple(code for code in LANGUAGES if code != DEFAULT)
_WHOLE_NUMBER = "Type a whole number."


class Described(Protocol):
    """A row with texts in several languages."""

    translations: Any


def name_of(code: str) -> str:
    """A language as these pages call it: "German"."""
    return Locale.parse(code).get_language_name("en") or code


def _line(label: str, *checks: Any) -> StringField:
    return StringField(label, [*checks], filters=[one_line])


def _lines(label: str, rows: int = 4) -> TextAreaField:
    return TextAreaField(label, filters=[some_lines], render_kw={"rows": rows})


class FactsForm(FlaskForm):
    """A form whose refusals stand beside the fields they concern, and some of whose texts are in several languages."""

    TRANSLATED: tuple[str, ...] = ()

    def refuse(self, refusal: HouseRefused) -> None:
        """Put each problem on its field; one that has none on the first."""
        problems: Any = refusal.details.get("problems") or {next(iter(self)).name: refusal.user_message}
        for name, words in problems.items():
            field: Any = self[name] if name in self else next(iter(self))
            field.errors = [*field.errors, words]

    def read_translations(self) -> dict[str, dict[str, str]]:
        """What was typed in other languages; a text left empty is shown as it was first written."""
        typed = {
            code: {name: self[f"{name}_{code}"].data for name in self.TRANSLATED if self[f"{name}_{code}"].data}
            for code in OTHER_LANGUAGES
        }
        return {code: texts for code, texts in typed.items() if texts}

    def translated_fields(self) -> list[tuple[Field, list[Field]]]:
        """Each such text with itself in the other languages, as they stand beside each other."""
        return [(self[name], [self[f"{name}_{code}"] for code in OTHER_LANGUAGES]) for name in self.TRANSLATED]


def _in_other_languages(form: type[FactsForm], texts: dict[str, Any]) -> None:
    for name, make in texts.items():
        for code in OTHER_LANGUAGES:
            label = f"{vars(form)[name].args[0]}, in {name_of(code)}"
            setattr(form, f"{name}_{code}", make(label))


class HouseForm(FactsForm):
    """The property."""

    TRANSLATED = ("tagline", "house_rules", "directions")

    name = _line("Name of the house")
    tagline = _line("One line about it")
    address = _line("Address")
    contact_email = _line("E-mail address for guests")
    contact_phone = _line("Telephone")
    timezone = _line("Time zone")
    currency = SelectField("Currency", choices=[SelectChoice(code, code.upper()) for code in CURRENCIES])
    check_in_from = _line("Check-in from")
    check_out_by = _line("Check-out by")
    house_rules = _lines("House rules", 6)
    directions = _lines("How to get there", 6)

    @classmethod
    def of(cls, place: Described | None) -> "HouseForm":
        """The form as the property is; with what most houses have, where there is none yet."""
        if place is None:
            return cls(formdata=None, check_in_from="15:00", check_out_by="11:00", currency="eur")
        return cls(formdata=None, obj=place, **_translated_values(place, cls.TRANSLATED))

    def read_facts(self) -> HouseFacts | None:
        """What was typed; None with words on a field where it cannot be."""
        if not self.validate_on_submit():
            return None
        plain = [name for name in HouseFacts.__dataclass_fields__ if name != "translations"]
        return HouseFacts(**{name: self[name].data or "" for name in plain}, translations=self.read_translations())

    def validate_contact_email(self, field: Field) -> None:
        """A possible address, in its normal form."""
        normalise_address(field, "That is no e-mail address.")


_in_other_languages(
    HouseForm,
    {
        "tagline": _line,
        "house_rules": lambda label: _lines(label, 6),
        "directions": lambda label: _lines(label, 6),
    },
)


class NewListingForm(FactsForm):
    """What a listing must have before it can be made."""

    name = _line("Name")
    nightly = _line("Price of a night")
    max_guests = IntegerField("Guests at most", [InputRequired(_WHOLE_NUMBER)])
    units = IntegerField("How many of it are there?", [InputRequired(_WHOLE_NUMBER)])

    def read_new(self, currency: str) -> NewListing | None:
        """What was typed; None with words on a field where it is no number."""
        if not self.validate_on_submit():
            return None
        price = parse_major(self.nightly.data or "", currency)
        return NewListing(self.name.data, price, self.max_guests.data, self.units.data)


class ListingForm(FactsForm):
    """All that a listing says of itself."""

    TRANSLATED = ("name", "summary", "description", "beds", "access_notes")

    name = _line("Name")
    slug = _line("Address of its page")
    summary = _line("In a few words")
    description = _lines("Description", 8)
    max_guests = IntegerField("Guests at most", [InputRequired(_WHOLE_NUMBER)])
    bedrooms = IntegerField("Bedrooms", [InputRequired(_WHOLE_NUMBER)])
    beds = _line("Beds")
    area_m2 = IntegerField("Area in m²", [Optional()])
    amenities = SelectMultipleField(
        "What guests find there",
        choices=[SelectChoice(amenity.key, str(amenity.said)) for amenity in AMENITIES],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    access_notes = _lines("For guests who cannot climb or squeeze", 4)
    registration = _line("Registration number")

    @classmethod
    def of(cls, listing: Described) -> "ListingForm":
        """The form as the listing is."""
        return cls(formdata=None, obj=listing, **_translated_values(listing, cls.TRANSLATED))

    def read_facts(self) -> ListingFacts | None:
        """What was typed; None with words on a field where it cannot be."""
        if not self.validate_on_submit():
            return None
        plain = [name for name in ListingFacts.__dataclass_fields__ if name not in ("translations", "amenities")]
        values = {name: self[name].data for name in plain}
        return ListingFacts(**values, amenities=tuple(self.amenities.data or ()), translations=self.read_translations())


_in_other_languages(
    ListingForm,
    {
        "name": _line,
        "summary": _line,
        "description": lambda label: _lines(label, 8),
        "beds": _line,
        "access_notes": lambda label: _lines(label, 4),
    },
)


class UnitForm(FactsForm):
    """One unit's name."""

    # An id of its own: it stands on a page beside the listing's name.
    name = StringField("Name of the unit", filters=[one_line], id="unit-name")


class PhotosForm(FlaskForm):
    """Pictures from somebody's computer or telephone."""

    files = MultipleFileField("Photos")

    def read_files(self) -> list[tuple[str, bytes]]:
        """The files with their names; nothing, with words on the field, where there are none or too many."""
        given = [file for file in self.files.data or [] if getattr(file, "filename", "")]
        if not self.validate_on_submit() or not given or len(given) > MOST_FILES:
            self.refuse("Choose one or more photos." if not given else f"Choose {MOST_FILES} photos at most at a time.")
            return []
        # One byte more than may be, so that what is too big is known to be without being read whole.
        return [(one_line(file.filename)[:80], file.stream.read(MOST_BYTES + 1)) for file in given]

    def refuse(self, words: str) -> None:
        """Put a refusal on the field."""
        self.files.errors = [*self.files.errors, words]


def zone_names() -> list[str]:
    """Names to choose a time zone from."""
    return sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix/")))


def _translated_values(row: Described, names: tuple[str, ...]) -> dict[str, str]:
    texts: Mapping[str, Mapping[str, str]] = row.translations
    return {f"{name}_{code}": texts.get(code, {}).get(name, "") for name in names for code in OTHER_LANGUAGES}
