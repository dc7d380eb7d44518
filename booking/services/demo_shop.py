"""What the demo shop looks like and says of itself, in English and German. demo.py puts it into the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from booking.domain.rates import Per

# A head and night, from this age on.
TOURIST_TAX, TAXED_FROM_AGE = 350, 16
# The code of the demo: so many hundredths of a percent off, from so many nights on.
CODE, CODE_OFF, CODE_NIGHTS = "FERRY10", 1000, 3
PICTURES = Path(__file__).parents[2] / "static" / "img" / "demo"


@dataclass(frozen=True, slots=True)
class DemoPhoto:
    """One picture, a file of PICTURES, and what it shows."""

    file: str
    alt: str
    alt_de: str

    def read(self) -> bytes:
        """The picture as it lies in the folder."""
        return (PICTURES / f"{self.file}.webp").read_bytes()


@dataclass(frozen=True, slots=True)
class DemoExtra:
    """What guests of the demo may choose. The amount is in minor units."""

    name: str
    german: str
    amount_minor: int
    per: Per
    most: int = 1


@dataclass(frozen=True, slots=True)
class DemoSeason:
    """Dearer nights, in every year from one day and month to another; both are (month, day)."""

    name: str
    german: str
    first: tuple[int, int]
    last: tuple[int, int]
    nightly_minor: int
    weekend_minor: int


@dataclass(frozen=True, slots=True)
class DemoDiscount:
    """Something off for long stays, in hundredths of a percent."""

    name: str
    german: str
    off: int
    min_nights: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoListing:
    """One listing of the demo. `closed` are (days from today, nights, reason), all of the first unit."""

    slug: str
    name: str
    summary: str
    description: str
    beds: str
    access_notes: str
    german: Mapping[str, str]  # the four texts above by their names
    amenities: tuple[str, ...]
    photos: tuple[DemoPhoto, ...]  # the first is the cover
    bedrooms: int
    area_m2: int
    max_guests: int
    nightly_minor: int
    weekend_minor: int
    min_nights: int = 1
    registration: str = ""
    units: tuple[str, ...] = ("",)  # the empty name stands for the listing's own
    closed: tuple[tuple[int, int, str], ...] = field(default=())
    seasons: tuple[DemoSeason, ...] = ()
    discounts: tuple[DemoDiscount, ...] = ()


EXTRAS = (
    DemoExtra("Breakfast basket", "Frühstückskorb", 1400, Per.GUEST_NIGHT),
    DemoExtra("Bicycle", "Fahrrad", 900, Per.NIGHT, most=4),
)
NAME, TIMEZONE = "Seal Harbour Stays", "Europe/Copenhagen"
TEXTS = {
    "tagline": "Five places to sleep where the ferry turns round.",
    "house_rules": (
        "Quiet from 22:00, because the harbour carries every sound.\n"
        "Sandy boots stay on the rack by the door.\n"
        "Dogs are welcome in Dune House; please keep them off the beds.\n"
        "No smoking indoors. The benches outside have the better view anyway."
    ),
    "directions": (
        "By ferry: the last stop. Leave the quay to the left; the white house with the blue door, number 7, is ours. "
        "Three minutes on foot.\n\n"
        "By car: the road ends at the harbour. Unload at number 7 and park behind the boatyard, where no ticket is "
        "needed. In July the places are gone by noon.\n\n"
        "The key hangs in a small box beside the blue door. Call us when you are on the quay and we tell you its code."
    ),
}
GERMAN = {
    "tagline": "Fünf Unterkünfte dort, wo die Fähre wendet.",
    "house_rules": (
        "Ab 22 Uhr ist Ruhe, denn der Hafen trägt jedes Geräusch weiter.\n"
        "Sandige Schuhe bleiben auf dem Gestell an der Tür.\n"
        "Hunde sind im Dune House willkommen, aber bitte nicht auf den Betten.\n"
        "Drinnen wird nicht geraucht. Die Bänke draußen haben ohnehin die schönere Aussicht."
    ),
    "directions": (
        "Mit der Fähre: bis zur Endstation. Am Kai nach links; das weiße Haus mit der blauen Tür, Nummer 7, ist "
        "unseres. "
        "Drei Minuten zu Fuß.\n\n"
        "Mit dem Auto: Die Straße endet am Hafen. Laden Sie vor Nummer 7 aus und parken Sie hinter der Werft; ein "
        "Parkschein ist nicht nötig. Im Juli sind die Plätze bis Mittag vergeben.\n\n"
        "Der Schlüssel hängt in einem Kästchen neben der blauen Tür. Rufen Sie an, wenn Sie am Kai sind; dann sagen "
        "wir "
        "Ihnen den Code."
    ),
}

HARBOUR_LOFT = DemoListing(
    slug="harbour-loft",
    name="Harbour Loft",
    summary="over the old boatyard",
    description=(
        "The whole upper floor of the old boatyard: one long room under the beams, with the harbour on three "
        "sides. In the morning the light comes across the water and onto the kitchen table; in the evening the "
        "ferry does.\n\n"
        "Two bedrooms at the quiet end, one with a double bed and one with two singles. A wood stove, a basket of "
        "logs, a kitchen that somebody cooks in. Twenty steps up, so bring what you can carry."
    ),
    beds="one double bed, two single beds",
    access_notes=(
        "Twenty steps up, 90 cm wide, with a rail on the left. Inside all is on one floor. "
        "The narrowest door, to the bathroom, is 72 cm wide; the shower has a rim of 12 cm."
    ),
    german={
        "summary": "über der alten Bootswerft",
        "description": (
            "Das ganze Obergeschoss der alten Bootswerft: ein langer Raum unter den Balken, den Hafen auf drei Seiten. "
            "Morgens kommt das Licht übers Wasser bis auf den Küchentisch, abends kommt die Fähre.\n\n"
            "Am ruhigen Ende liegen zwei Schlafzimmer, eines mit Doppelbett, eines mit zwei Einzelbetten. Dazu ein "
            "Kaminofen, ein Korb mit Scheiten und eine Küche, in der wirklich gekocht wird. Zwanzig Stufen führen "
            "hinauf: Nehmen Sie mit, was Sie tragen können."
        ),
        "beds": "ein Doppelbett, zwei Einzelbetten",
        "access_notes": (
            "Zwanzig Stufen, 90 cm breit, Handlauf links. Innen liegt alles auf einer Ebene. "
            "Die schmalste Tür, die zum Bad, ist 72 cm breit; der Rand der Dusche ist 12 cm hoch."
        ),
    },
    amenities=("wifi", "kitchen", "shower", "heating", "fireplace", "sea_view", "parking", "bed_linen",
               "washing_machine", "workspace", "cot"),
    photos=(
        DemoPhoto("harbour-loft", "A tall brick boatyard with lit windows at dusk, boats on trestles beside it",
                  "Eine hohe Werft aus Backstein mit hellen Fenstern in der Dämmerung, daneben aufgebockte Boote"),
        DemoPhoto("harbour-loft-room", "A long room under beams: a wood stove, a green sofa, a wide window",
                  "Ein langer Raum unter Balken: Kaminofen, grünes Sofa und ein breites Fenster zum Hafen"),
        DemoPhoto("harbour-loft-bedroom", "A bed with a red cover under the sloping roof, a sailing boat in the window",
                  "Ein Bett mit roter Decke unter der Dachschräge, im Fenster ein Segelboot"),
        DemoPhoto("harbour-loft-morning", "Coffee and bread on the kitchen table, the ferry passing in the window",
                  "Kaffee und Brot auf dem Küchentisch, vor dem Fenster fährt die Fähre vorbei"),
    ),
    bedrooms=2,
    area_m2=68,
    max_guests=4,
    nightly_minor=12800,
    weekend_minor=16400,
    registration="SH-4583-017",
    closed=((11, 5, "Floor is being oiled"), (30, 7, "Family week"), (52, 3, "Window fitter")),
)  # fmt: skip

DUNE_HOUSE = DemoListing(
    slug="dune-house",
    name="Dune House",
    summary="behind the long beach",
    description=(
        "A low house with a turf roof, dug into the lee of the last dune. You hear the sea all night and see it "
        "after forty paces. Three bedrooms, a long table for eight, an outdoor shower that is warmer than it "
        "looks.\n\n"
        "The garden is marram grass and a fire pit. Dogs sleep in the hall, on the blankets that are theirs."
    ),
    beds="two double beds, two single beds",
    access_notes=(
        "Four steps up to the deck, or a ramp of 6 m at the back. All doors are 85 cm wide, without thresholds. "
        "The way to the beach is of planks and ends in soft sand."
    ),
    german={
        "summary": "hinter dem langen Strand",
        "description": (
            "Ein niedriges Haus mit Grasdach im Windschatten der letzten Düne. Das Meer hören Sie die ganze Nacht, und "
            "nach vierzig Schritten sehen Sie es. Drei Schlafzimmer, ein langer Tisch für acht und eine Außendusche, "
            "die "
            "wärmer ist, als sie aussieht.\n\n"
            "Der Garten besteht aus Strandhafer und einer Feuerstelle. Hunde schlafen in der Diele, auf ihren eigenen "
            "Decken."
        ),
        "beds": "zwei Doppelbetten, zwei Einzelbetten",
        "access_notes": (
            "Vier Stufen zur Terrasse oder eine Rampe von 6 m auf der Rückseite. Alle Türen sind 85 cm breit und ohne "
            "Schwelle. Der Weg zum Strand ist aus Bohlen und endet in weichem Sand."
        ),
    },
    amenities=("wifi", "kitchen", "bath", "shower", "heating", "sea_view", "parking", "garden", "bed_linen",
               "washing_machine", "cot", "dogs_welcome", "fire_pit", "outdoor_shower", "bicycles"),
    photos=(
        DemoPhoto("dune-house", "A low white house with a green roof among pale dunes, the morning sun over the sea",
                  "Ein niedriges weißes Haus mit grünem Dach zwischen hellen Dünen, Morgensonne über dem Meer"),
        DemoPhoto("dune-house-table", "A long table laid for breakfast before a wide window on dunes and sea",
                  "Ein langer, gedeckter Frühstückstisch vor einem breiten Fenster mit Dünen und Meer"),
        DemoPhoto("dune-house-beach", "A path of planks through tall grass to the beach, a striped parasol in the sand",
                  "Ein Bohlenweg durch hohes Gras zum Strand, im Sand ein gestreifter Sonnenschirm"),
        DemoPhoto("dune-house-fire", "A fire between stones under the stars, two benches, the house lit behind",
                  "Ein Feuer zwischen Steinen unter Sternen, zwei Bänke, dahinter das erleuchtete Haus"),
    ),
    bedrooms=3,
    area_m2=112,
    max_guests=6,
    nightly_minor=18800,
    weekend_minor=24000,
    min_nights=2,
    registration="SH-4583-023",
    closed=((18, 4, "Roof is being turfed"), (64, 10, "Owners are in")),
    seasons=(DemoSeason("High season", "Hochsaison", (6, 15), (8, 31), 24800, 29800),),
    discounts=(DemoDiscount("A week or more", "Ab einer Woche", 1000, 7),),
)  # fmt: skip

PILOTS_CABIN = DemoListing(
    slug="pilots-cabin",
    name="Pilot's Cabin",
    summary="by the lighthouse path",
    description=(
        "Where the harbour pilot used to wait for ships: one room of tarred wood with a bed in the bay window. "
        "The lighthouse stands three minutes up the path and looks in once every ten seconds, unless you draw the "
        "curtain.\n\n"
        "A small kitchen, a shower, a shelf of sea charts and novels. Best for two who like each other."
    ),
    beds="one double bed",
    access_notes=(
        "A gravel path of 80 m from the nearest place for a car, the last part steep. One step at the door, 18 cm "
        "high. "
        "The door to the shower is 65 cm wide."
    ),
    german={
        "summary": "am Weg zum Leuchtturm",
        "description": (
            "Hier wartete früher der Hafenlotse auf Schiffe: ein einziger Raum aus geteertem Holz, das Bett steht im "
            "Erker. Der Leuchtturm ist drei Minuten entfernt und schaut alle zehn Sekunden herein, es sei denn, Sie "
            "ziehen den Vorhang zu.\n\n"
            "Eine kleine Küche, eine Dusche, ein Regal mit Seekarten und Romanen. Am besten für zwei, die sich mögen."
        ),
        "beds": "ein Doppelbett",
        "access_notes": (
            "Vom nächsten Halteplatz führt ein Kiesweg von 80 m herauf, das letzte Stück ist steil. Eine Stufe an der "
            "Tür, 18 cm hoch. Die Tür zur Dusche ist 65 cm breit."
        ),
    },
    amenities=("wifi", "kitchen", "shower", "heating", "fireplace", "sea_view", "bed_linen"),
    photos=(
        DemoPhoto("pilots-cabin", "A small dark cabin below a striped lighthouse, a sailing boat on blue water",
                  "Eine kleine dunkle Hütte unter einem geringelten Leuchtturm, ein Segelboot auf blauem Wasser"),
        DemoPhoto("pilots-cabin-bed", "A bed with a red blanket in a bay window, the lighthouse and ships outside",
                  "Ein Bett mit roter Decke im Erker, draußen der Leuchtturm und Schiffe"),
        DemoPhoto("pilots-cabin-shelf", "A sea chart, a porthole, and a shelf of books with a barometer",
                  "Eine Seekarte, ein Bullauge und ein Regal mit Büchern und einem Barometer"),
    ),
    bedrooms=1,
    area_m2=31,
    max_guests=2,
    nightly_minor=9200,
    weekend_minor=11200,
    closed=((8, 2, "Chimney sweep"), (41, 6, "New deck")),
)  # fmt: skip

ROPEWALK_ROOM = DemoListing(
    slug="ropewalk-room",
    name="Ropewalk Room",
    summary="courtyard, ground floor",
    description=(
        "A ground-floor room on the courtyard where ropes were laid for two hundred years. No steps, wide doors, "
        "a bath with a rail. Roses outside, and the bakery's back door opposite, which opens at five and smells "
        "of cardamom by six.\n\n"
        "A double bed, a writing table, a kettle and good tea."
    ),
    beds="one double bed",
    access_notes=(
        "No step from the street to the bed. Both doors are 95 cm wide. Beside the bed there is 1.20 m of room, "
        "in the bathroom a circle of 1.50 m. The bath has a rail; its edge is 54 cm high."
    ),
    german={
        "summary": "am Innenhof, im Erdgeschoss",
        "description": (
            "Ein Zimmer im Erdgeschoss, am Hof, in dem zweihundert Jahre lang Seile gedreht wurden. Keine Stufen, "
            "breite "
            "Türen, eine Badewanne mit Haltegriff. Draußen blühen Rosen, und gegenüber liegt die Hintertür der "
            "Bäckerei: "
            "Um fünf geht sie auf, um sechs riecht es nach Kardamom.\n\n"
            "Ein Doppelbett, ein Schreibtisch, ein Wasserkocher und guter Tee."
        ),
        "beds": "ein Doppelbett",
        "access_notes": (
            "Von der Straße bis zum Bett keine Stufe. Beide Türen sind 95 cm breit. Neben dem Bett sind 1,20 m Platz, "
            "im "
            "Bad ein Kreis von 1,50 m. Die Wanne hat einen Haltegriff; ihr Rand ist 54 cm hoch."
        ),
    },
    amenities=("wifi", "bath", "heating", "garden", "bed_linen", "workspace", "cot", "step_free", "bicycles",
               "hair_dryer"),
    photos=(
        DemoPhoto("ropewalk-room", "A courtyard with arched doors, climbing roses and an orange tree under a warm sky",
                  "Ein Innenhof mit Bogentüren, Kletterrosen und einem Orangenbaum unter warmem Himmel"),
        DemoPhoto("ropewalk-room-inside", "A double bed beside an arched glass door to the courtyard, a writing table",
                  "Ein Doppelbett neben einer gläsernen Bogentür zum Hof, ein Schreibtisch"),
        DemoPhoto("ropewalk-room-bath", "A bath full of foam before tiles, a brass rail on the wall above it",
                  "Eine Badewanne voll Schaum vor Fliesen, darüber an der Wand ein Haltegriff aus Messing"),
    ),
    bedrooms=1,
    area_m2=26,
    max_guests=2,
    nightly_minor=8200,
    weekend_minor=10000,
    closed=((24, 3, "Painter"),),
)  # fmt: skip

BOATHOUSE_DOUBLE = DemoListing(
    slug="boathouse-double",
    name="Boathouse Double",
    summary="three equal rooms over the slipway",
    description=(
        "Three rooms of one size in a row above the slipway, each with a double bed, a shower and a door of its "
        "own to the gallery. The water is right underneath; at high tide you could fish from the railing, and "
        "some do.\n\n"
        "Breakfast things wait in the shared pantry at the end of the gallery."
    ),
    beds="one double bed",
    access_notes=(
        "Eleven steps up to the gallery, with a rail on both sides. The doors are 80 cm wide, with a threshold of 3 "
        "cm. "
        "The shower is level with the floor."
    ),
    german={
        "summary": "drei gleiche Zimmer über der Slipanlage",
        "description": (
            "Drei gleich große Zimmer nebeneinander über der Slipanlage, jedes mit Doppelbett, Dusche und eigener Tür "
            "zur "
            "Galerie. Das Wasser ist direkt darunter; bei Flut könnte man vom Geländer aus angeln, und manche tun "
            "es.\n\n"
            "Alles fürs Frühstück steht in der gemeinsamen Speisekammer am Ende der Galerie."
        ),
        "beds": "ein Doppelbett",
        "access_notes": (
            "Elf Stufen zur Galerie, Handlauf auf beiden Seiten. Die Türen sind 80 cm breit, die Schwelle ist 3 cm "
            "hoch. "
            "Die Dusche ist ebenerdig."
        ),
    },
    amenities=("wifi", "shower", "heating", "sea_view", "parking", "bed_linen", "breakfast_things", "hair_dryer"),
    photos=(
        DemoPhoto("boathouse-double", "A red boathouse on posts above the water, its windows lit, a starry sky",
                  "Ein rotes Bootshaus auf Pfählen über dem Wasser, die Fenster hell, darüber Sterne"),
        DemoPhoto("boathouse-double-inside", "A bed with a green cover in a blue room, the moon over the water outside",
                  "Ein Bett mit grüner Decke in einem blauen Zimmer, draußen der Mond über dem Wasser"),
        DemoPhoto("boathouse-double-gallery", "A wooden gallery with three green doors above the water at sunset",
                  "Eine Galerie aus Holz mit drei grünen Türen, über dem Wasser geht die Sonne unter"),
    ),
    bedrooms=1,
    area_m2=19,
    max_guests=2,
    nightly_minor=7400,
    weekend_minor=9200,
    units=("Boathouse 1", "Boathouse 2", "Boathouse 3"),
    closed=((15, 2, "New mattress"),),
)  # fmt: skip

DEMO_LISTINGS = (HARBOUR_LOFT, DUNE_HOUSE, PILOTS_CABIN, ROPEWALK_ROOM, BOATHOUSE_DOUBLE)
