"""The networks that there are. A new one is a module with a `NETWORK` value, named here."""

from collections.abc import Mapping
from types import MappingProxyType

from networks import archive, bluesky, feed, mastodon, practice, x
from networks.network import Network, NetworkError

# Posts of these come in by import until a module of their own listens there.
_BY_IMPORT = ("facebook", "instagram")

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
            *(archive.by_import(name) for name in _BY_IMPORT),
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
