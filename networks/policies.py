"""What each network's rules mean here, in words: docs/policy.md is made of it (`liaison policy`), from the `Policy`
values that intake, retention, deletions and training obey."""

from collections.abc import Iterable

from networks.network import Network, SourceKind

_HEAD = """\
# What is collected, kept and forbidden, network by network
Made by `liaison policy` from the values that the code obeys. Do not edit it: change the network's `Policy`.

On every network:
- Only public posts come in, and only those that a watch rule matches or that name the department.
- Names stop at the door: an author becomes a keyed hash, a handle in a text is masked, a link to a post is sealed.
- A post about a protest or another gathering is left out whole, and its words go as soon as that is known.
- No page, search, list or export selects, groups or orders by author. Every look at a mention is in the audit log.
- Words are kept for the days below at most, or fewer where the installation says so; counts stay. Author-days (a keyed
  hash, a day, figures) are kept for 60 days. What is past its time goes every hour; the audit log says how much.
- Words that led to an action stay with it where the installation says so (`context_days`, off at first): with handles
  masked and links taken out, without author, network or time. What its author deletes while the post is still here
  goes from the action too; afterwards nothing leads from the words to anybody. Where a network asks that deletions be
  followed within hours, or gives days of its own, nothing stays.
- Lines of an import that were refused are kept beside the store, and go with the same days.
- A mail's words go with the same days; that it was sent stays for a year.
- What people say in person is written down without names; its words go with the same days, its count stays.
- A legal hold (on a post, an account, a period or an alert) keeps what it covers beyond its time, out of the desk's
  sight, until it is lifted; so it does where a post is taken for one about a protest only later. What its author
  deletes goes all the same. Placing and lifting are in the audit log.
- Our own posts, with versions, approvals, replies and receipts, are kept for ever, or as `records_years` says. Their
  networks are asked how often each was seen, liked, passed on and answered: counts alone, never who.
"""


def written(networks: Iterable[Network], days: int) -> str:
    """The document, Markdown. `days`: how long an installation keeps a mention's words unless a network allows less."""
    parts = [_section(network, days) for network in networks if network.kinds]
    return "\n".join([_HEAD, *parts])


def _section(network: Network, days: int) -> str:
    policy = network.policy
    kept = days if policy.text_days is None else min(days, policy.text_days)
    trains = "if the installation says so" if policy.corrections_may_train else "never"
    rows = [
        ("What can be heard", "; ".join(_kind(kind) for kind in network.kinds)),
        ("Words and meaning are kept", f"{kept} days at most"),
        (
            "Words that led to an action stay with it",
            "if the installation says so" if policy.words_may_stay else "never",
        ),
        ("A post that its author deletes", _deletion(network)),
        ("Officers’ corrections train the model", trains),
        ("It may not be used to", "; ".join(policy.may_not) or "no rule beyond ours"),
        ("Money", "every post that is read is paid for; a budget stops reading" if network.charges else "none"),
    ]
    told = "\n".join(f"| {name} | {words} |" for name, words in rows)
    return f"## {network.label}\n{policy.notes}\n\n| | |\n|---|---|\n{told}\n"


def _kind(kind: SourceKind) -> str:
    account = {"needed": "with an account", "optional": "with or without an account", "none": "without an account"}
    how = "as it happens" if kind.streamed else f"every {kind.every_seconds} s"
    return f"{kind.label} ({account[kind.account]}, {how})"


def _deletion(network: Network) -> str:
    policy = network.policy
    if network.witness is None and network.stream is None:
        return "is not told to us: its words go with the days"
    words = "goes here too, with what it had counted"
    if policy.deletion_hours is not None:
        words += f", within {policy.deletion_hours} hours"
    if policy.recheck_hours is not None:
        words += f"; asked for every {policy.recheck_hours} hours"
    return words
