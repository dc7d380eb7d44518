"""Test controls under `/_fake/`: JSON in and out, for this machine only. Not Stripe's API."""
