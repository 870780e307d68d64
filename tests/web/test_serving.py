"""The socket that the desk is served on."""

import asyncio
import socket

from web import serving


def test_no_answer_waits_for_the_browser_to_acknowledge_its_first_half() -> None:
    accepted: list[bool] = []

    class Told(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            line: socket.socket = transport.get_extra_info("socket")
            accepted.append(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0)
            transport.close()

    async def once(bound: socket.socket) -> None:
        server = await asyncio.get_running_loop().create_server(Told, sock=bound)
        reader, writer = await asyncio.open_connection(*bound.getsockname())
        await reader.read()
        writer.close()
        server.close()

    with serving.listening("127.0.0.1", 0) as bound:
        asyncio.run(once(bound))
    assert accepted == [True]
