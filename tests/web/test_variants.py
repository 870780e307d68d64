import re

from networks.network import Limits, Network, Outgoing, Picture, Policy
from web import pages
from web.variants import check

TWENTY = Network("test", "Test", Policy(), Limits(20), threads=True)
DOUBLE = Network("test", "Test", Policy(), Limits(20, count=lambda text: 2 * len(text)))


def saying(text: str, *alts: str) -> Outgoing:
    return Outgoing(key="", text=text, pictures=tuple(Picture(b"", "image/png", 1, 1, alt) for alt in alts))


def test_a_text_over_the_limit_says_how_much_of_it_would_be_kept() -> None:
    found = check(TWENTY, saying("x" * 25))
    assert (found.length, found.over, found.fits) == (25, 5, 20)
    assert found.problems == ("The text is 5 characters too long; the limit is 20.",)
    assert (found.percent, found.mark) == (100.0, 80.0)


def test_what_is_kept_is_counted_as_the_network_counts() -> None:
    assert check(DOUBLE, saying("x" * 25)).fits == 10


def test_an_account_is_judged_by_the_limits_of_its_server() -> None:
    wide = Network("test", "Test", Policy(), Limits(20), limits_of=lambda settings: Limits(int(settings["most"])))
    assert check(wide, saying("x" * 25), {"most": "30"}).problems == ()
    assert check(wide, saying("x" * 25), {"most": "24"}).over == 1


def test_what_an_option_takes_of_the_length_counts() -> None:
    warned = Network("test", "Test", Policy(), Limits(20, besides=lambda sent: len(sent.options.get("warning", ""))))
    outgoing = Outgoing(key="", text="x" * 18, options={"warning": "crash"})
    assert (check(warned, outgoing).length, check(warned, outgoing).fits) == (23, 15)


def test_each_part_of_a_thread_is_judged_alone_and_pictures_go_with_the_first() -> None:
    found = check(TWENTY, saying("short\n---\n" + "x" * 25, "A street"))
    assert found.problems == (
        "Part 1: This network takes no pictures.",
        "Part 2: The text is 5 characters too long; the limit is 20.",
    )
    assert (found.length, found.fits) == (25, 35)


def test_a_network_without_threads_says_so() -> None:
    assert check(DOUBLE, saying("a\n---\nb")).problems == (
        "This network has no threads; take the lines of dashes out, or reword it here.",
    )


def test_an_empty_text_is_no_warning_yet_but_a_problem_when_sent() -> None:
    found = check(TWENTY, saying("  "))
    assert (found.bad, found.problems) == (False, ("There is no text yet.",))


def test_a_network_without_limits_takes_anything() -> None:
    found = check(Network("test", "Test", Policy()), saying("x" * 5000))
    assert (found.problems, found.fits, found.limit) == ((), 5000, None)


def test_a_preview_colours_links_mentions_and_hashtags_and_nothing_else() -> None:
    text = "See <b> https://x.example/a?b=1. With @rivertonpd, #Elm4th #2026, a@b.example!"
    inked = re.findall(r'<span class="lnk">(.*?)</span>', pages.marked(text))
    assert inked == ["https://x.example/a?b=1", "@rivertonpd", "#Elm4th"]
    assert pages.marked(text).striptags() == text
