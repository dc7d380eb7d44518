"""What tests share: servers they start, and a small shop with its cast."""
