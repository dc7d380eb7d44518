"""The dashboard at `/`: what there is, what happened to it, and the test controls as buttons. For this machine only."""
