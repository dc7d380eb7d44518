"""The parts of billing: periods, lines, payment of invoices, renewals. The rules people call are one level up."""
