"""Signing in and out of the staff pages."""
