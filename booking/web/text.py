"""Text as people type it, without what can neither be printed nor stored (PostgreSQL refuses a NUL)."""


def one_line(text: str | None) -> str:
    """Text on one line without what cannot be printed or stored."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text or "").split())


def some_lines(text: str | None) -> str:
    """Text whose lines are kept, without what cannot be printed or stored."""
    lines = (text or "").replace("\r\n", "\n").split("\n")
    return "\n".join("".join(letter for letter in line if letter.isprintable()).rstrip() for line in lines).strip()
