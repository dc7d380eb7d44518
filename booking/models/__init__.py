"""Tables only. Importing this package registers every one of them."""

from booking.models.audit import AuditHead, AuditLine
from booking.models.booking import Booking, BookingEvent, Closure, Night
from booking.models.card import CardConsent, SavedCard
from booking.models.change import StayChange
from booking.models.club import CatalogEntry, CatalogErrand, ClubPlan
from booking.models.customer import Customer
from booking.models.due import Due
from booking.models.evidence import EvidenceDraft, EvidenceFile, EvidenceSubmission
from booking.models.instance import AccessLink, Heartbeat, Instance, PromiseCheck, RateWindow
from booking.models.job import Job
from booking.models.listing import Listing, OldSlug, Photo, Unit
from booking.models.member import GuestAccount, GuestLink, GuestSession, Joining, Membership, PortalVisit
from booking.models.occupancy import Occupancy
from booking.models.outbox import OutboxRow
from booking.models.payment import Attempt, Dispute, Payment, Refund
from booking.models.payment_plan import PlanChoice
from booking.models.property import Property
from booking.models.rates import Coupon, DayPrice, Discount, Extra, Fee, Season, Tax
from booking.models.request import Authorisation, StayRequest
from booking.models.rules import CancellationPolicy, CancellationTier, StayRule
from booking.models.saved_filter import SavedFilter
from booking.models.shelf import Shelf
from booking.models.staff import RecoveryCode, Staff, StaffLink, StaffPolicy, StaffSession
from booking.models.webhook import WebhookEvent

__all__ = [
    "AccessLink",
    "Attempt",
    "AuditHead",
    "AuditLine",
    "Authorisation",
    "Booking",
    "BookingEvent",
    "CancellationPolicy",
    "CancellationTier",
    "CardConsent",
    "CatalogEntry",
    "CatalogErrand",
    "Closure",
    "ClubPlan",
    "Coupon",
    "Customer",
    "DayPrice",
    "Discount",
    "Dispute",
    "Due",
    "EvidenceDraft",
    "EvidenceFile",
    "EvidenceSubmission",
    "Extra",
    "Fee",
    "GuestAccount",
    "GuestLink",
    "GuestSession",
    "Heartbeat",
    "Instance",
    "Job",
    "Joining",
    "Listing",
    "Membership",
    "Night",
    "Occupancy",
    "OldSlug",
    "OutboxRow",
    "Payment",
    "Photo",
    "PlanChoice",
    "PortalVisit",
    "PromiseCheck",
    "Property",
    "RateWindow",
    "RecoveryCode",
    "Refund",
    "SavedCard",
    "SavedFilter",
    "Season",
    "Shelf",
    "Staff",
    "StaffLink",
    "StaffPolicy",
    "StaffSession",
    "StayChange",
    "StayRequest",
    "StayRule",
    "Tax",
    "Unit",
    "WebhookEvent",
]
