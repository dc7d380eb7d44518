"""Who joins the club, renews, fails to pay and leaves. One step each, as in actors.py.

Between what happens to a subscription at Stripe and what came before or after it a moment passes, as everywhere but
here: which of two answers of Stripe's is the newer one, the shop tells by when it asked.
"""

from booking.services import joining
from booking.services.guest_accounts import Member
from tests.simulation.actors import WEB, Cast, Guest, Move
from tests.simulation.world import Broken

PLAN = 1


class JoiningIn:
    """Guests who are signed in, and their cards."""

    def __init__(self, cast: Cast) -> None:
        self._cast, self._world, self._runtime = cast, cast.world, cast.runtime
        self._club = cast.stripe.club
        self._pages: list[str] = []
        self.moves: tuple[Move, ...] = (
            (24, self._join), (24, self._pay), (6, self._come_back), (9, self._period_is_over), (5, self._dunning_ends),
            (2, self._leave), (3, self._end_in_dashboard), (2, self._open_portal), (14, self._overtake),
        )  # fmt: skip
        for number, guest in enumerate(cast.guests, 1):
            guest.account_id = number

    def _member(self, guest: Guest) -> Member:
        return Member(guest.account_id or 0, f"guest{guest.account_id}@example.org", "en")

    def _join(self) -> None:
        """Press the button; perhaps twice, and perhaps as a member already."""
        guest = self._world.dice.choice(self._cast.guests)
        for _ in range(2 if self._world.dice.random() < 0.3 else 1):
            self._world.begin(f"{guest.name} joins", WEB, lambda: self._go_to_stripe(guest))

    def _go_to_stripe(self, guest: Guest) -> str:
        url = joining.join(self._runtime, self._member(guest), PLAN, "I join.", "en")
        session_id = url.rpartition("/")[2]
        customer = self._cast.stripe.sessions[session_id]["customer"]
        for other in set(self._pages) - {session_id}:
            is_mine = self._cast.stripe.sessions[other]["customer"] == customer
            if is_mine and self._cast.stripe.is_payable(other) and self._cast.stripe.is_payable(session_id):
                raise Broken(f"I10: {guest.name} can join in {other} and in {session_id}")
        self._pages.append(session_id)
        return session_id

    def _pay(self) -> None:
        payable = [page for page in self._pages if self._cast.stripe.is_payable(page)]
        if payable:
            session_id = self._world.dice.choice(payable)
            self._world.tell(f"Stripe: a membership is paid in {session_id}")
            self._club.pay(session_id)
            self._world.pass_time(1)

    def _come_back(self) -> None:
        if self._pages:
            session_id = self._world.dice.choice(self._pages)
            name = f"return to the club from {session_id}"
            self._world.begin(name, WEB, lambda: joining.come_back(self._runtime, session_id))

    def _period_is_over(self) -> None:
        subscription_id = self._some("active")
        if subscription_id:
            is_good = self._world.dice.random() < 0.5
            self._world.tell(f"Stripe: {subscription_id} renews, and the card is {'good' if is_good else 'refused'}")
            self._club.renew(subscription_id, is_good=is_good)
            self._world.pass_time(1)

    def _dunning_ends(self) -> None:
        subscription_id = self._some("past_due")
        if subscription_id:
            came = self._world.dice.random() < 0.4
            self._world.tell(f"Stripe: the money of {subscription_id} {'came' if came else 'never came'}")
            self._club.end_dunning(subscription_id, came=came)
            self._world.pass_time(1)

    def _leave(self) -> None:
        subscription_id = self._some("active")
        if subscription_id:
            self._world.tell(f"portal: {subscription_id} ends with its period")
            self._club.leave(subscription_id)
            self._world.pass_time(1)

    def _end_in_dashboard(self) -> None:
        subscription_id = self._some("active") or self._some("past_due")
        if subscription_id:
            self._world.tell(f"dashboard: {subscription_id} is ended")
            self._club.end(subscription_id)
            self._world.pass_time(1)

    def _overtake(self) -> None:
        """It ends while somebody has asked about it and does not know the answer yet; the news of the end is faster."""
        known = [row[0] for row in self._cast.rows("SELECT session_id FROM joining WHERE status = 'done'")]
        if known:
            session_id = self._world.dice.choice(known)
            for ends in (True, False):
                name = f"return to the club from {session_id}"
                self._world.begin(name, WEB, lambda: joining.come_back(self._runtime, session_id))
                subscription_id = self._cast.stripe.sessions[session_id]["subscription"]
                if ends and subscription_id and self._world.waiting:
                    self._world.tell(f"dashboard: {subscription_id} is ended")
                    self._club.end(subscription_id)
                    self._world.pass_time(1)

    def _open_portal(self) -> None:
        guest = self._world.dice.choice(self._cast.guests)
        act = lambda: joining.open_portal(self._runtime, self._member(guest), "en")  # noqa: E731
        self._world.begin(f"{guest.name} opens the portal", WEB, act)

    def _some(self, status: str) -> str | None:
        found = [one["id"] for one in self._club.subscriptions.values() if one["status"] == status]
        return self._world.dice.choice(found) if found else None
