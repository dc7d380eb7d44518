"""Where Stripe speaks to the shop."""
