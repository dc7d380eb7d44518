"""Tests of the local Stripe: a real process, driven by the official SDK and by HTTP."""
