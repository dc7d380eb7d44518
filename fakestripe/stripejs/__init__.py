"""A small stand-in for Stripe.js: `/v3/` for the shop's page, and a frame of ours that holds the card's fields."""
