"""Who does something about what is owed beside the first payment of a booking. One step each, as in actors.py."""

from booking.database import transaction
from booking.domain.money import Money
from booking.domain.states import BookingStatus, CancelReason, DueKind, PaymentMethod, Source
from booking.extensions import db
from booking.models import Booking
from booking.services import balances, cards, charges, fees, refunds
from booking.services.balances import TakenMoney
from booking.services.checkout import HandoffOutcome
from booking.services.fees import FeeWish
from booking.services.timeline import Cause
from tests.simulation.actors import STAFF, WEB, WORKER, Cast, Guest, Move
from tests.simulation.world import Act

# Old links are opened too: of what is paid, waived or gone with its stay.
ANY_DUE, OPEN_DUE = "SELECT id FROM due", "SELECT id FROM due WHERE status = 'open'"
# Whatever became of the due since its page was opened.
OPEN_PAGES = "SELECT session_id, due_id FROM attempt WHERE due_id IS NOT NULL AND session_id IS NOT NULL"
# What the house took itself it gives back itself.
BY_HAND = """SELECT refund.id FROM refund JOIN payment ON payment.id = refund.payment_id
WHERE payment.method <> 'stripe' AND refund.status = 'requested'"""


class Owing:
    """Guests who owe, and staff and worker who mind."""

    def __init__(self, cast: Cast) -> None:
        self._cast, self._world, self._runtime = cast, cast.world, cast.runtime
        self._rivals = [self._follow_link, self._waive, self._take, self._call_off]
        self.moves: tuple[Move, ...] = (
            (16, self._open_due), (16, self._pay_unheard), (1, self._staff_waives), (1, self._staff_takes),
            (1, self._worker_asks), (1, self.hand_over),
        )  # fmt: skip
        if self._world.weather.saves_cards:
            self.moves += (
                (3, self._worker_charges), (16, self._staff_tries), (8, self._staff_charges), (1, self._guest_removes),
                (4, self._nobody_comes),
            )  # fmt: skip
            self._rivals.append(self._try_now)

    def _open_due(self) -> None:
        """A guest follows the link to what is owed, now or once more."""
        due_id = self._cast.some(OPEN_DUE if self._world.dice.random() < 0.8 else ANY_DUE)
        if due_id is not None:
            for _ in range(2 if self._world.dice.random() < 0.1 else 1):
                self._follow_link(due_id)

    def _follow_link(self, due_id: int) -> None:
        guest = self._world.dice.choice(self._cast.guests)
        name = f"{guest.name} pays due {due_id}"
        self._world.begin(name, WEB, lambda: self._hand_over_to_stripe(guest, due_id))

    def _pay_unheard(self) -> None:
        """A guest pays what is owed; before anybody hears of it, somebody does something about the same due."""
        pages = [page for page in self._cast.rows(OPEN_PAGES) if self._world.stripe.is_payable(page[0])]
        if pages:
            session_id, due_id = self._world.dice.choice(pages)
            act = self._world.dice.choice(self._rivals)
            happens = [lambda: act(due_id), lambda: self._pay(session_id)]
            self._world.dice.shuffle(happens)
            for each in happens:
                each()

    def _pay(self, session_id: str) -> None:
        if self._world.stripe.is_payable(session_id):
            self._world.tell(f"Stripe: good card in {session_id}")
            self._world.stripe.pay(session_id)

    def _call_off(self, due_id: int) -> None:
        [(booking_id,)] = self._cast.rows("SELECT booking_id FROM due WHERE id = ?", due_id)
        self._cast.cancel_one(booking_id, CancelReason.STAFF, Cause(Source.STAFF, STAFF))

    def _hand_over_to_stripe(self, guest: Guest, due_id: int) -> str:
        handoff = balances.start_due(self._runtime, due_id)
        if handoff.outcome is HandoffOutcome.PAY:
            [(booking_id,)] = self._cast.rows("SELECT booking_id FROM due WHERE id = ?", due_id)
            guest.tabs.append(self._cast.take_address(handoff, booking_id))
        return f"due {due_id}: {handoff.outcome}"

    def _staff_waives(self) -> None:
        due_id = self._cast.some(OPEN_DUE)
        if due_id is not None:
            self._waive(due_id)

    def _waive(self, due_id: int) -> None:
        self._world.begin(f"staff waives due {due_id}", WEB, lambda: balances.waive_due(self._runtime, due_id, STAFF))

    def _staff_takes(self) -> None:
        due_id = self._cast.some(OPEN_DUE)
        if due_id is not None:
            self._take(due_id)

    def _take(self, due_id: int) -> None:
        """The guest pays in cash at the door."""
        [(minor,)] = self._cast.rows("SELECT amount_minor FROM due WHERE id = ?", due_id)
        taken = TakenMoney(PaymentMethod.CASH, Money(minor, "eur"))
        name = f"staff takes due {due_id}"
        self._world.begin(name, WEB, lambda: balances.take_due(self._runtime, due_id, taken, STAFF))

    def _worker_asks(self) -> None:
        self._world.begin("worker: balances", WORKER, lambda: balances.write_about_balances(self._runtime))

    # --- saved cards ------------------------------------------------------------------------------------------------

    def _worker_charges(self) -> None:
        self._world.begin("worker: cards", WORKER, lambda: charges.charge_due_cards(self._runtime))

    def _staff_tries(self) -> None:
        due_id = self._cast.some(OPEN_DUE)
        if due_id is not None:
            self._try_now(due_id)

    def _try_now(self, due_id: int) -> None:
        """The card is charged before its day; perhaps by a double click, perhaps while the guest pays."""
        for _ in range(self._world.dice.choice((1, 1, 2))):
            name = f"staff charges due {due_id}"
            self._world.begin(name, WEB, lambda: charges.try_now(self._runtime, due_id, STAFF))

    def _staff_charges(self) -> None:
        """Something was broken."""
        booking_id = self._cast.some("SELECT booking_id FROM saved_card")
        if booking_id is not None:
            amount = Money(self._world.dice.choice((1000, 3000)), "eur")
            wish = FeeWish(DueKind.DAMAGE, amount, "a chair", self._cast.next_form())
            for _ in range(self._world.dice.choice((1, 1, 2))):
                name = f"staff charges a chair of booking {booking_id}"
                self._world.begin(name, WEB, lambda: fees.charge_fee(self._runtime, booking_id, wish, STAFF))

    def _nobody_comes(self) -> None:
        """Staff has noted that nobody came, long before the time is here; two of them charge for it."""
        booking_id = self._cast.some("SELECT booking_id FROM saved_card WHERE removed_at IS NULL")
        if booking_id is not None:
            self._world.begin(f"nobody comes for booking {booking_id}", WEB, lambda: self._note(booking_id))
            for _ in range(self._world.dice.choice((1, 1, 2))):
                form, name = self._cast.next_form(), f"staff charges who did not come for booking {booking_id}"
                self._world.begin(name, WEB, lambda form=form: self._charge_no_show(booking_id, form))  # type: ignore[misc]

    def _note(self, booking_id: int) -> None:
        with transaction() as session:
            booking = session.get_one(Booking, booking_id)
            if booking.status is BookingStatus.CONFIRMED:
                booking.no_show_at = booking.no_show_at or self._world.clock.at

    def _charge_no_show(self, booking_id: int, form: str) -> str:
        """As much as the page says may be charged."""
        amount = fees.read_limit(booking_id, DueKind.NO_SHOW_FEE)
        db.session.rollback()
        wish = FeeWish(DueKind.NO_SHOW_FEE, amount, "nobody came", form)
        return str(fees.charge_fee(self._runtime, booking_id, wish, STAFF))

    def _guest_removes(self) -> None:
        found = self._cast.rows("SELECT booking_id, id FROM saved_card WHERE removed_at IS NULL")
        if found:
            booking_id, card_id = self._world.dice.choice(found)
            cause = Cause(Source.WEB)
            act: Act = lambda: cards.remove_card(self._runtime, booking_id, card_id, cause)  # noqa: E731
            self._world.begin(f"the guest of booking {booking_id} removes card {card_id}", WEB, act)

    # --- what came in cash ------------------------------------------------------------------------------------------

    def hand_over(self) -> None:
        """Staff gives back in cash what came in cash."""
        for (refund_id,) in self._cast.rows(BY_HAND):
            self._world.begin(
                f"staff hands over refund {refund_id}",
                WEB,
                lambda refund_id=refund_id: refunds.note_handed_over(self._runtime, refund_id, STAFF),  # type: ignore[misc]
            )
