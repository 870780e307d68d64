"""What Facebook and Instagram share before anything is asked: the form of the sign-in, and the way to the code that
talks, which is imported only then."""

from collections.abc import Callable, Mapping

from networks.network import Connection, Departure, Field, PageSignIn, Policy, SignedIn

SERVICE = "https://graph.facebook.com"
FIELDS = (
    Field("app_id", "App ID", "Of the department's app at developers.facebook.com."),
    Field("app_secret", "App secret", secret=True),
    Field("page", "Page", "The Page's name or number, if you manage several.", required=False),
    Field("service", "Address of the API", "Leave it as it is.", default=SERVICE, required=False),
)
POLICY = Policy(
    may_not=("watch people or groups for the police or anyone else (surveillance)",),
    deletion_hours=24,
    corrections_may_train=False,
    notes="Deletions within 24 hours; no surveillance; nothing of it trains a model.",
)


def sign_in(network: str) -> PageSignIn:
    """On Facebook's page, for either network."""

    def begin(given: Mapping[str, str], redirect_uri: str, state: str, allow_private: bool) -> Departure:
        from networks import graph_sign_in

        del allow_private
        return graph_sign_in.begin(network, given, redirect_uri, state)

    def finish(kept: str, code: str, allow_private: bool) -> SignedIn:
        from networks import graph_sign_in

        return graph_sign_in.finish(network, kept, code, allow_private)

    return PageSignIn(FIELDS, begin, finish)


def who(network: str) -> Callable[[Connection], SignedIn]:
    """Who we are there now."""

    def ask(connection: Connection) -> SignedIn:
        from networks import graph_sign_in

        return graph_sign_in.who(network, connection)

    return ask
