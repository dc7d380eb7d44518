"""The pages a guest sees: payment, 3-D Secure, the ends of a session, and the list of cards."""
