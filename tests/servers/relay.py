"""A network between browser and app that a test can cut."""

import asyncio
import threading

from tests.servers.loopback import stop_accepting


class Relay:
    """Passes TCP connections on to a port of this machine, and counts what comes back."""

    def __init__(self, port: int) -> None:
        self.received = 0
        """Bytes that came back so far."""
        self.port = 0
        self._target = port
        self._is_cut = False
        self._is_held = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def cut(self) -> None:
        """Break every connection, and let no new one through until `mend`."""
        self._is_cut = True
        self._loop.call_soon_threadsafe(self._break_all)

    def mend(self) -> None:
        """Let connections through again."""
        self._is_cut = False

    def hold(self) -> None:
        """Let nothing pass until `let_go`, but lose nothing either: a slow network."""
        self._is_held = True

    def let_go(self) -> None:
        """Let pass what was held back, and all that comes."""
        self._is_held = False

    def lead_to(self, port: int) -> None:
        """Break every connection, and pass new ones on to another port."""
        self._target = port
        self._loop.call_soon_threadsafe(self._break_all)

    def stop(self) -> None:
        """Break every connection and listen no more."""
        self.cut()
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def _break_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        await stop_accepting(server.sockets)
        server.close()
        while self._writers:
            await asyncio.sleep(0.01)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            app_reader, app_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # the app has ended
            writer.transport.abort()
            return
        self._writers |= {writer, app_writer}
        try:
            await asyncio.gather(
                self._pump(reader, app_writer, counts=False),
                self._pump(app_reader, writer, counts=True),
            )
        finally:
            self._writers -= {writer, app_writer}

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, counts: bool
    ) -> None:
        try:
            while data := await source.read(1 << 16):
                while self._is_held:
                    await asyncio.sleep(0.01)
                self.received += len(data) if counts else 0
                target.write(data)
                await target.drain()
        except ConnectionError:
            pass
        finally:
            target.close()
