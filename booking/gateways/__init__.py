"""Everything that leaves the machine."""
