"""Jetstream: all of Bluesky's public network as it happens, without an account, as light JSON.

Two wires: v1 (`/subscribe`; its cursor is a time in microseconds) and v2 (`subscribeEvents`; its cursor is a number
that the server counts up). The address of a server says which; a third wire is the protocol's own
`firehose`. `frames` reads what comes, `line` keeps the connection.

subscribe_v1.zdict is the dictionary of v1's compression, as Bluesky publishes it for every client;
v2's is asked of the server."""
