"""Signing in with Meta: a person says yes on Facebook's page; kept are the Page's own token, and when it ends."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from networks.graph import VERSION, Graph, Line
from networks.meta import SERVICE
from networks.network import Connection, Departure, Rejected, SignedIn

SCOPES = {
    "facebook": (
        "pages_show_list,pages_read_engagement,pages_read_user_content,pages_manage_posts,pages_manage_engagement,"
        "read_insights"
    ),
    "instagram": (
        "pages_show_list,pages_read_engagement,instagram_basic,instagram_content_publish,instagram_manage_comments,"
        "instagram_manage_insights"
    ),
}
_PAGES = "id,name,username,access_token,instagram_business_account{id,username,name}"


def begin(network: str, given: Mapping[str, str], redirect_uri: str, state: str) -> Departure:
    service = (given.get("service") or SERVICE).rstrip("/")
    dialog = "https://www.facebook.com" if service == SERVICE else service
    if urlsplit(service).scheme not in ("http", "https"):
        raise Rejected("The address of the API must be a web address.")
    app_id, app_secret = given.get("app_id", "").strip(), given.get("app_secret", "").strip()
    if not app_id.isdecimal() or not app_secret:
        raise Rejected("The app's ID (a number) and its secret are needed; both stand on the app's page at Meta.")
    asked = {
        "client_id": app_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "scope": SCOPES[network],
        "response_type": "code",
    }
    kept = {
        "app_id": app_id,
        "app_secret": app_secret,
        "page": given.get("page", "").strip(),
        "service": service,
        "redirect_uri": redirect_uri,
    }
    return Departure(f"{dialog}/{VERSION}/dialog/oauth?{urlencode(asked)}", json.dumps(kept))


def finish(network: str, kept: str, code: str, allow_private: bool) -> SignedIn:
    """The code for a token, that for one of sixty days, that for the Page's own."""
    told = json.loads(kept)
    app = {"client_id": told["app_id"], "client_secret": told["app_secret"]}
    open_line = Graph(told["service"], VERSION, None, None, allow_private)
    path = f"{VERSION}/oauth/access_token"
    first = open_line.request(path, {**app, "redirect_uri": told["redirect_uri"], "code": code})["access_token"]
    exchange = {**app, "grant_type": "fb_exchange_token", "fb_exchange_token": first}
    person = open_line.request(path, exchange)["access_token"]
    line = Graph(told["service"], VERSION, person, told["app_secret"], allow_private)
    pages = line.get_connections("me", "accounts", fields=_PAGES, limit=100)["data"]
    page = _chosen(pages, told["page"])
    secret = json.dumps({"app_id": told["app_id"], "app_secret": told["app_secret"]})
    settings = {"service": told["service"], "version": VERSION, "page_id": str(page["id"])}
    ends_at = _ends_at(open_line, told["app_id"], told["app_secret"], page["access_token"])
    return _signed(network, page, settings, secret, page["access_token"], ends_at)


def who(network: str, connection: Connection) -> SignedIn:
    """Who we are there now, and when the sign-in ends."""
    line = Line(connection)
    page_id = connection.settings.get("page_id", line.me)
    fields = "id,name,username,instagram_business_account{id,username,name}"
    page = line.reads(lambda graph: graph.get_object(page_id, fields=fields))
    told = json.loads(connection.secret or "{}")
    service = connection.settings.get("service") or SERVICE
    token = connection.keeper.session() if connection.keeper is not None else None
    open_line = Graph(service, VERSION, None, None, connection.allow_private)
    ends_at = _ends_at(open_line, told.get("app_id", ""), told.get("app_secret", ""), token or "")
    return _signed(network, page, dict(connection.settings), connection.secret or "", token, ends_at)


def _chosen(pages: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    names = ", ".join(str(page["name"]) for page in pages)
    if not pages:
        raise Rejected("This person manages no Page, or did not say yes to one.")
    if wanted:
        found = [one for one in pages if wanted.casefold() in (str(one["id"]), str(one["name"]).casefold())]
        if len(found) != 1:
            raise Rejected(f"There is no Page “{wanted}” among those that you manage: {names}.")
        return found[0]
    if len(pages) > 1:
        raise Rejected(f"You manage several Pages; say which: {names}.")
    return pages[0]


def _signed(
    network: str,
    page: Mapping[str, Any],
    settings: Mapping[str, str],
    secret: str,
    session: str | None,
    ends_at: datetime | None,
) -> SignedIn:
    who: Mapping[str, Any] = page
    if network == "instagram":
        who = page.get("instagram_business_account") or {}
        if not who:
            raise Rejected(f"No professional Instagram account is connected with the Page {page['name']}.")
    handle = str(who.get("username") or page["name"])
    name = str(who.get("name") or page["name"])
    return SignedIn(str(who["id"]), handle, name, settings, secret, session, ends_at)


def _ends_at(line: Graph, app_id: str, app_secret: str, token: str) -> datetime | None:
    """The earlier of the token's end and the end of access to data; 0 means never."""
    asked = {"input_token": token, "access_token": f"{app_id}|{app_secret}"}
    told = line.request(f"{VERSION}/debug_token", asked)["data"]
    ends = [int(told[name]) for name in ("expires_at", "data_access_expires_at") if told.get(name)]
    return datetime.fromtimestamp(min(ends), UTC) if ends else None
