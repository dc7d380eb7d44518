"""`flask drill`: named disasters, staged on a scratch database against fakestripe, each with its evidence.

A rehearsal for operators on their own installation: its code, its migrations, its hold time and time zone. Nothing here
is given the live database's rows, the live keys, the mail server or Stripe. No test library is needed.
"""
