"""From the guest's details to Stripe and back."""
