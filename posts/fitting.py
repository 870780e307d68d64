"""Whether a post fits the networks that it goes to: asked while it is written, when it is handed in, and before it is
sent. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from config.phrases import Phrase
from networks.network import Network, Outgoing
from posts import threads

NO_THREADS = Phrase("This network has no threads; take the lines of dashes out, or reword it here.")


def parts(outgoing: Outgoing) -> list[Outgoing]:
    """What is sent, one after another: the first part has the pictures, and answers what the post answers."""
    sent = [replace(outgoing, text=text) for text in threads.parts(outgoing.text)]
    return sent[:1] + [replace(part, pictures=(), reply_to=None) for part in sent[1:]]


def problems(network: Network, settings: Mapping[str, str], outgoing: Outgoing) -> tuple[str, ...]:
    """Every reason why an account with these settings could not send this, in plain words; empty when it can."""
    limits = network.limits_for(settings)
    if limits is None:
        return ()
    sent = [replace(one, options=network.with_part(one.options, at)) for at, one in enumerate(parts(outgoing))]
    if len(sent) > 1 and not network.threads:
        return (NO_THREADS,)
    return tuple(
        Phrase("Part %(number)s: %(problem)s", number=number, problem=problem.message)
        if len(sent) > 1
        else problem.message
        for number, part in enumerate(sent, 1)
        for problem in limits.problems(part)
    )
