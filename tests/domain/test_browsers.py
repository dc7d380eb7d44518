"""What is kept of what a browser says of itself: enough for somebody to know the own one by."""

import pytest

from booking.domain.browsers import name_browser

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
MAC, IPHONE = "(Macintosh; Intel Mac OS X 10_15_7)", "(iPhone; CPU iPhone OS 19_0 like Mac OS X)"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Linux; Android 16) {WEBKIT} Chrome/140.0 Safari/537.36 EdgA/140.0", "Edge on Android"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/140.0 Safari/537.36 OPR/124.0", "Opera on Linux"),
        (
            f"Mozilla/5.0 (Linux; Android 16) {WEBKIT} SamsungBrowser/29.0 Chrome/138.0 Safari/537.36",
            "Samsung Internet on Android",
        ),
        (f"Mozilla/5.0 {IPHONE} AppleWebKit/605.1.15 FxiOS/143.0 Safari/605.1.15", "Firefox on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on Linux"),
        (f"Mozilla/5.0 {IPHONE} AppleWebKit/605.1.15 CriOS/140.0 Safari/604.1", "Chrome on iPhone"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 16181.61.0) {WEBKIT} Chrome/140.0 Safari/537.36", "Chrome on ChromeOS"),
        (f"Mozilla/5.0 {IPHONE} AppleWebKit/605.1.15 Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (iPad; CPU OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPad"),
        (f"Mozilla/5.0 {MAC} AppleWebKit/605.1.15 Version/19.0 Safari/605.1.15", "Safari on macOS"),
        ("Links (2.29; Linux 6.12 x86_64)", "Another browser on Linux"),
        ("Chrome/140.0", "Chrome"),
        ("curl/8", "Another browser"),
        ("<script>" * 100, "Another browser"),
        ("", "Another browser"),
    ],
)
def test_of_what_a_browser_says_three_words_are_kept(agent: str, name: str) -> None:
    assert name_browser(agent) == name
