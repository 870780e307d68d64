"""What a page says at its top after something was done: `?said=approved` shows the sentence with that key.

Keys, never texts, travel in the address: nobody can make the desk say something by a link."""

from collections.abc import Callable
from types import MappingProxyType


def _(message: str) -> str:
    """Marks a sentence for the catalogue; it is translated when shown."""
    return message


NOTICES = MappingProxyType(
    {
        "signed-out": _("You are signed out."),
        "half-over": _("That took more than ten minutes, or it was used already. Begin again with your password."),
        "sign-in-ended": _("Signed out there."),
        "known": _("They can come in by single sign-on now."),
        "invited": _("The invitation is on its way by mail. It works once, for seven days."),
        "factor-off": _("Your second factor is taken away. Your password alone lets you in now."),
        "factor-reset": _("Their second factor is taken away, and they are signed out everywhere."),
        "factor-rule": _("It is asked from now on, at the next page that they open."),
        "saved": _("The draft is saved."),
        "submitted": _("It waits for approval now. Nothing goes out before someone else approves it."),
        "withdrawn": _("It is a draft again."),
        "approved": _("Approved. It goes out at its time."),
        "approved-no-time": _("Approved. It goes out once it has a time; who writes posts gives it one."),
        "approved-series": _("Approved. Its posts are made now, each with its own time."),
        "alert-take": _("The alert is yours. Resolve it when it is dealt with."),
        "alert-resolve": _("The alert is closed; it stays in the list and in the figures."),
        "alert-not-a-concern": _("It is closed as no concern; alerts learn from it."),
        "alert-reopen": _("The alert is open again."),
        "muted": _("No new alert of this concern until then. What is found meanwhile is listed as held back."),
        "unmuted": _("Alerts of the concern are raised again from now on."),
        "changes-asked": _("The author is told what you ask for."),
        "commented": _("Your comment is kept with the post."),
        "scheduled": _("It has its time. Without an approval by then it is not sent."),
        "moved": _("It has a new time; its approval stays."),
        "unscheduled": _("It has no time now; its approval stays."),
        "cancelled": _("It will not go out. Every version of it is kept."),
        "called-off": _("What had not gone out will not. What is out stays there until it is taken down."),
        "hold-placed": _("Hold is on. Nothing goes out until an approver lifts it."),
        "own-data-met": _("What was kept of that account, if anything, is deleted."),
        "legal-hold-placed": _("The legal hold is in force."),
        "legal-hold-lifted": _("The legal hold is lifted. What is past its time goes within the hour."),
        "hold-lifted": _("The hold is lifted."),
        "planned": _("It is kept."),
        "slot": _("It has the next free slot as its time."),
        "no-slot": _("No account of this post has a free slot in the next twelve weeks; add one under Planning."),
        "step-done": _("Your approval is kept; the next step is somebody else's."),
        "signed-off": _("You signed the translation off. A change of its words takes that back."),
        "decided": _("Your decision is recorded."),
        "taking-down": _("It is being taken down; the record of it stays."),
        "board-posted": _("It is on the practice board."),
        "person-added": _("They can sign in with the link below; it works once, for seven days."),
        "roles-changed": _("The roles are changed from now on."),
        "renamed": _("Name and address are as you wrote them. A link sent to another address before works no more."),
        "account-connect": _("The account is connected, and its mentions are listened to."),
        "account-added": _("It is there. What is sent there, only people of this desk see."),
        "account-reconnect": _("The account is connected again. What waited goes out now."),
        "account-removed": _("The account is removed here. What it published stays in the records."),
        "account-fine": _("The network knows us; the account is fine."),
        "account-signed-out": _("The network does not know us any more. Connect the account again."),
        "account-saved": _("Your settings are saved."),
        "deliveries-saved": _("Your choice is kept; it holds from now on."),
        "channel-tested": _("The test is on its way; load the page again to see what came of it."),
        "delivery-again": _("It is tried again within seconds."),
        "calendar-revoked": _("Your calendar's address works no more."),
        "context-gone": _("Those words are gone."),
        "token-revoked": _("That token no longer works."),
        "choose-password": _("You are in. The link is used up: choose a password under your initials, top right."),
        "source-added": _("The source is added; it is looked at within seconds."),
        "source-looked": _("It is looked at within seconds; load the page again to see what came of it."),
        "rule-added": _("The watch rule is added. It decides about what comes in from now on."),
        "place-added": _("The place is added. Mentions that are read from now on are given to it."),
        "link-sent": _("The link is on its way to them by mail; only they see it."),
        "none-chosen": _("Nothing was chosen, so nothing was changed. Mark mentions first."),
        "none-moved": _("Nothing was changed: someone had dealt with them already, or they are gone."),
        "undone": _("It stands as it stood before."),
        "untagged": _("The tag is taken off."),
        "corrected": _("Corrected. Your word counts now, in every figure."),
        "left-out": _("It is left out of the desk, and of every figure."),
        "view-kept": _("The view is kept; it stands beside your filters."),
        "link-added": _("The link stands at the end of the message."),
        "snippet-kept": _("The words are kept."),
        "snippet-gone": _("The words are removed. Posts that were made of them keep theirs."),
        "heard-gone": _("It is taken out, and its count with it."),
        "urgent-asked": _("Everyone who may approve it is asked now. It goes out with the first approval."),
        "urgent-out": _("Approved. It goes out now."),
        "urgent-held": _("Approved. It waits until the hold is lifted."),
        "kit-sent": _("It is on its way to them; what they hear comes back under “Heard in person”."),
        "review-asked": _("They are asked to read it; what they say stands beside the post."),
        "action-asked": _("It is handed over. You are reminded before its day."),
        "resource-kept": _("The resource is kept; Compose offers it from now on."),
        "resource-gone": _("It is removed. Posts that name it keep their words."),
        "story-agreed": _("Their consent is written down. Now it may be told."),
        "story-refused": _("It is not used. The words are erased here; a post that was not sent is cancelled."),
        "story-refused-late": _("The words are erased among the stories. Take this post down wherever it is out."),
        "event-made": _("The event is kept. Nobody is told of it before a post about it was approved and sent."),
        "event-changed": _(
            "The event is changed, and its posts are brought in step. See below what waits for approval."
        ),
        "event-cancelled": _("The event is cancelled. What was not sent is taken back; see below what tells the rest."),
        "event-posts": _("The drafts are made. Read them and send them for approval."),
        "action-closed": _("The outcome is kept. Now tell those who asked."),
        "view-gone": _("The view is removed."),
        "welcome": _("Welcome. You are the first person of this desk."),
    }
)


def notice(key: str, translate: Callable[[str], str]) -> str | None:
    """The sentence for a key in the reader's language; none for a key that is not ours."""
    sentence = NOTICES.get(key)
    return translate(sentence) if sentence is not None else None
