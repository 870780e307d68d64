"""A wire between one process and PostgreSQL that can be cut and mended: while it is cut nothing is closed and nothing
is said, as when a host loses its network. Ours; there is no server of this kind among the real ones."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import sqlalchemy as sa


class Relay:
    """Listens on a port of loopback for connections to the server whose socket file is in `folder`."""

    def __init__(self, folder: Path, port: int) -> None:
        self._socket = folder / f".s.PGSQL.{port}"
        self._loop = asyncio.new_event_loop()
        self._whole = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def cut(self) -> None:
        self._loop.call_soon_threadsafe(self._whole.clear)

    def mend(self) -> None:
        self._loop.call_soon_threadsafe(self._whole.set)

    def run(self) -> None:
        self._whole.set()
        listening = self._loop.run_until_complete(asyncio.start_server(self._join, "127.0.0.1", 0))
        self.port = listening.sockets[0].getsockname()[1]
        Thread(target=self._loop.run_forever, daemon=True).start()

    def end(self) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _hang_up(self) -> None:
        carrying = list(self._tasks)
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)

    async def _join(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        try:
            far, out = await asyncio.open_unix_connection(self._socket)
        except OSError:  # the server is just being started again
            back.close()
            return
        for ways in ((near, out), (far, back)):
            task = asyncio.create_task(self._carry(*ways))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while said := await source.read(65536):
                await self._whole.wait()
                sink.write(said)
                await sink.drain()
        sink.close()


@contextlib.contextmanager
def relayed(url: str) -> Iterator[tuple[Relay, str]]:
    """A relay to the server of `url` (by its socket's folder), and the address by which a process goes through it."""
    address = sa.make_url(url)
    relay = Relay(Path(str(address.query["host"])), int(str(address.query.get("port", address.port or 5432))))
    relay.run()
    through = address.set(host="127.0.0.1", port=relay.port, query={})
    yield relay, through.render_as_string(False)
    relay.end()
