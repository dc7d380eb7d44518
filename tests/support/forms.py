"""Forms as they stand in a page. Needs nothing but Python, since visitors of a load test have no more."""

import re
from html import unescape


def fields_of(page: str) -> dict[str, str]:
    """The inputs of a page's forms that have a value, but for boxes that nobody has ticked."""
    found = {}
    for tag in re.findall(r"<input\b[^>]*>", page):
        if 'type="checkbox"' in tag and " checked" not in tag:
            continue
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and value:
            found[unescape(name[1])] = unescape(value[1])
    return found
