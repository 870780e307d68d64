"""The networks that there are. A new one is a module with a `NETWORK` value, named here."""

from collections.abc import Mapping
from types import MappingProxyType

from networks import archive, bluesky, facebook, feed, instagram, mastodon, practice, x
from networks.network import Network, NetworkError

NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        found.name: found
        for found in (
            practice.NETWORK,
            feed.NETWORK,
            archive.NETWORK,
            bluesky.NETWORK,
            mastodon.NETWORK,
            x.NETWORK,
            facebook.NETWORK,
            instagram.NETWORK,
        )
    }
)


class UnknownNetwork(NetworkError):
    """No module has this name."""


def network(name: str) -> Network:
    """The network of this name. Raises UnknownNetwork."""
    try:
        return NETWORKS[name]
    except KeyError:
        raise UnknownNetwork(f"there is no network {name!r}; there are {', '.join(sorted(NETWORKS))}") from None
