"""The parameters of creating a Checkout Session, and the empty shapes of its parts.

Source: docs.stripe.com/api/checkout/sessions/create. A parameter missing here is refused.
"""

from __future__ import annotations

from typing import Any

from fakestripe.schema import (
    Choice,
    Currency,
    Email,
    Flag,
    Integer,
    Items,
    Metadata,
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

PRICE_DATA = group(
    "currency unit_amount product_data",
    currency=Currency(),
    unit_amount=Integer(minimum=0),
    tax_behavior=Choice("exclusive", "inclusive", "unspecified"),
    product_data=group(
        "name",
        name=Text(),
        description=Text(40000),
        images=Items(Url(), max_items=8),
        metadata=Metadata(),
    ),
)
LINE_ITEM = group("price_data quantity", price_data=PRICE_DATA, quantity=Integer(minimum=1))
INTENT_DATA = group(
    capture_method=Choice("automatic", "automatic_async", "manual"),
    description=Text(1000),
    metadata=Metadata(),
    receipt_email=Email(),
    statement_descriptor_suffix=Text(22),
)
LENGTHS: dict[str, Param] = {
    "default_value": Text(255),
    "maximum_length": Integer(1, 255),
    "minimum_length": Integer(1, 255),
}
OPTION = group("label value", label=Text(100), value=Text(100))
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
CREATE = group(
    "line_items mode success_url",
    adaptive_pricing=group(enabled=Flag()),
    after_expiration=group(recovery=group("enabled", enabled=Flag(), allow_promotion_codes=Flag())),
    allow_promotion_codes=Flag(),
    allowed_payment_method_types=Items(Choice(*METHODS)),
    automatic_tax=group("enabled", enabled=Flag()),
    billing_address_collection=Choice("auto", "required"),
    cancel_url=Url(),
    client_reference_id=Text(200),
    consent_collection=group(promotions=Choice("auto", "none"), terms_of_service=Choice("none", "required")),
    custom_fields=Items(CUSTOM_FIELD, max_items=3),
    custom_text=group(
        after_submit=MESSAGE,
        shipping_address=MESSAGE,
        submit=MESSAGE,
        terms_of_service_acceptance=MESSAGE,
    ),
    customer_creation=Choice("always", "if_required"),
    customer_email=Email(),
    excluded_payment_method_types=Items(Choice(*METHODS)),
    expires_at=Integer(),
    invoice_creation=group("enabled", enabled=Flag()),
    line_items=Items(LINE_ITEM, max_items=100),
    locale=Choice(*LOCALES),
    metadata=Metadata(),
    mode=Choice("payment", "setup", "subscription"),
    payment_intent_data=INTENT_DATA,
    payment_method_types=Items(Choice(*METHODS)),
    phone_number_collection=group("enabled", enabled=Flag()),
    submit_type=Choice("auto", "book", "donate", "pay", "subscribe"),
    success_url=Url(),
    ui_mode=Choice("hosted_page", "embedded_page", "elements", "form"),
)
