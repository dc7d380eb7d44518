"""The parameters of creating a Checkout Session, and the empty shapes of its parts.

Source: docs.stripe.com/api/checkout/sessions/create. A parameter missing here is refused.
"""

from __future__ import annotations

from typing import Any

from fakestripe.resources.method_params import ADDRESS, SHIPPING
from fakestripe.resources.prices import RECURRING, TAX_BEHAVIOR
from fakestripe.schema import (
    Choice,
    Country,
    Currency,
    Email,
    Flag,
    Group,
    Integer,
    Items,
    Metadata,
    Number,
    Param,
    Text,
    Unsettable,
    Url,
    group,
)

LOCALES = (
    "auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt nb nl "
    "pl pt pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW"
).split()
METHODS = (
    "acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit "
    "bancontact billie bizum blik boleto card cashapp crypto customer_balance eps fpx giropay "
    "grabpay ideal kakao_pay klarna konbini kr_card link mb_way mobilepay multibanco naver_pay "
    "nz_bank_account oxxo p24 pay_by_bank payco paynow paypal payto pix promptpay revolut_pay "
    "samsung_pay satispay scalapay sepa_debit sofort sunbit swish twint upi us_bank_account "
    "wechat_pay zip"
).split()
EXCLUDABLE = tuple(method for method in METHODS if method != "link")
NO_CONSENT = {
    "payment_method_reuse_agreement": None,
    "promotions": "none",
    "terms_of_service": "none",
}
NO_TEXT: dict[str, Any] = {
    "after_submit": None,
    "shipping_address": None,
    "submit": None,
    "terms_of_service_acceptance": None,
}
BRANDING = {
    "background_color": "#ffffff",
    "border_style": "rounded",
    "button_color": "#0d6a6c",
    "display_name": "fakestripe",
    "font_family": "default",
    "icon": None,
    "logo": None,
}
FONTS = (
    "be_vietnam_pro bitter chakra_petch default hahmlet inconsolata inter lato lora m_plus_1_code montserrat "
    "noto_sans noto_sans_jp noto_serif nunito open_sans pridi pt_sans pt_serif raleway roboto roboto_slab "
    "source_sans_pro titillium_web ubuntu_mono zen_maru_gothic"
).split()
NO_INVOICE_DATA: dict[str, Any] = dict.fromkeys(
    ("account_tax_ids", "custom_fields", "description", "footer", "issuer", "rendering_options")
)

PRICE_DATA = group(
    "currency",
    currency=Currency(),
    product=Text(),
    product_data=group(
        "name",
        name=Text(),
        description=Text(40000),
        images=Items(Url(), max_items=8),
        metadata=Metadata(),
        tax_code=Text(),
        unit_label=Text(12),
    ),
    recurring=RECURRING,
    tax_behavior=TAX_BEHAVIOR,
    unit_amount=Integer(minimum=0),
    unit_amount_decimal=Number(),
)
ADJUSTABLE = group("enabled", enabled=Flag(), maximum=Integer(1, 999_999), minimum=Integer(0, 999_999))
LINE_ITEM = group(
    "quantity",
    adjustable_quantity=ADJUSTABLE,
    metadata=Metadata(),
    price=Text(),
    price_data=PRICE_DATA,
    quantity=Integer(1, 999_999),
)
SHIPPING_ADDRESS = Group(ADDRESS.members, frozenset({"line1"}))
INTENT_DATA = group(
    capture_method=Choice("automatic", "automatic_async", "manual"),
    description=Text(1000),
    metadata=Metadata(),
    receipt_email=Email(),
    setup_future_usage=Choice("off_session", "on_session"),
    shipping=Group({**SHIPPING.members, "address": SHIPPING_ADDRESS}, SHIPPING.required),
    statement_descriptor_suffix=Text(22),
    transfer_group=Text(),
)
MISSING_METHOD = Choice("cancel", "create_invoice", "pause")
SUBSCRIPTION_DATA = group(
    description=Text(500),
    metadata=Metadata(),
    trial_end=Integer(),
    trial_period_days=Integer(1, 730),
    trial_settings=group(
        "end_behavior",
        end_behavior=group("missing_payment_method", missing_payment_method=MISSING_METHOD),
    ),
)
LENGTHS: dict[str, Param] = {
    "default_value": Text(255),
    "maximum_length": Integer(1, 255),
    "minimum_length": Integer(1, 255),
}
OPTION = group("label value", label=Text(100), value=Text(100))
OPTIONAL_ITEM = group("price quantity", adjustable_quantity=ADJUSTABLE, price=Text(), quantity=Integer(1, 999_999))
CUSTOM_FIELD = group(
    "key label type",
    key=Text(200),
    label=group("custom type", custom=Text(50), type=Choice("custom")),
    optional=Flag(),
    type=Choice("dropdown", "numeric", "text"),
    dropdown=group("options", default_value=Text(100), options=Items(OPTION, max_items=200)),
    numeric=group(**LENGTHS),
    text=group(**LENGTHS),
)
MESSAGE = Unsettable(group("message", message=Text(1200)))
COLOUR = Unsettable(Text(7))
PICTURE = group("type url", type=Choice("url"), url=Url())
BRAND = group(
    background_color=COLOUR,
    border_style=Choice("pill", "rectangular", "rounded"),
    button_color=COLOUR,
    display_name=Text(),
    font_family=Choice(*FONTS),
    icon=PICTURE,
    logo=PICTURE,
)
AUTO = Choice("auto", "never")
NAME = group("enabled", enabled=Flag(), optional=Flag())
INVOICE_DATA = group(
    custom_fields=Unsettable(Items(group("name value", name=Text(40), value=Text(140)), max_items=4)),
    description=Text(1500),
    footer=Text(),
    metadata=Metadata(),
)
SAVED_METHODS = group(
    allow_redisplay_filters=Items(Choice("always", "limited", "unspecified"), max_items=3),
    payment_method_remove=Choice("disabled", "enabled"),
    payment_method_save=Choice("disabled", "enabled"),
)
CREATE = group(
    "mode success_url",
    adaptive_pricing=group(enabled=Flag()),
    after_expiration=group(recovery=group("enabled", enabled=Flag(), allow_promotion_codes=Flag())),
    allow_promotion_codes=Flag(),
    allowed_payment_method_types=Items(Choice(*METHODS)),
    automatic_tax=group("enabled", enabled=Flag()),
    billing_address_collection=Choice("auto", "required"),
    branding_settings=BRAND,
    cancel_url=Url(),
    client_reference_id=Text(200),
    consent_collection=group(
        payment_method_reuse_agreement=group("position", position=Choice("auto", "hidden")),
        promotions=Choice("auto", "none"),
        terms_of_service=Choice("none", "required"),
    ),
    currency=Currency(),
    custom_fields=Items(CUSTOM_FIELD, max_items=3),
    custom_text=group(
        after_submit=MESSAGE,
        shipping_address=MESSAGE,
        submit=MESSAGE,
        terms_of_service_acceptance=MESSAGE,
    ),
    customer=Text(),
    customer_creation=Choice("always", "if_required"),
    customer_email=Email(),
    customer_update=group(address=AUTO, name=AUTO, shipping=AUTO),
    excluded_payment_method_types=Items(Choice(*EXCLUDABLE)),
    expires_at=Integer(),
    integration_identifier=Text(200),
    invoice_creation=group("enabled", enabled=Flag(), invoice_data=INVOICE_DATA),
    line_items=Items(LINE_ITEM, max_items=100),
    locale=Choice(*LOCALES),
    metadata=Metadata(),
    mode=Choice("payment", "setup", "subscription"),
    name_collection=group(business=NAME, individual=NAME),
    optional_items=Items(OPTIONAL_ITEM, max_items=10),
    origin_context=Choice("mobile_app", "web"),
    payment_intent_data=INTENT_DATA,
    payment_method_collection=Choice("always", "if_required"),
    payment_method_data=group(allow_redisplay=Choice("always", "limited", "unspecified")),
    payment_method_options=group(card=group(request_three_d_secure=Choice("any", "automatic", "challenge"))),
    payment_method_types=Items(Choice(*METHODS)),
    phone_number_collection=group("enabled", enabled=Flag()),
    saved_payment_method_options=SAVED_METHODS,
    setup_intent_data=group(description=Text(1000), metadata=Metadata()),
    shipping_address_collection=group("allowed_countries", allowed_countries=Items(Country(), max_items=250)),
    submit_type=Choice("auto", "book", "donate", "pay", "subscribe"),
    subscription_data=SUBSCRIPTION_DATA,
    success_url=Url(),
    ui_mode=Choice("hosted_page", "embedded_page", "elements", "form"),
)
