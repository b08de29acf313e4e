"""The end of the live server."""

from cbt.live.hub import Hub
from cbt.live.readers import Receive, Scope, Send


class Lifespan:
    """Closes the hub with its server, so that no thread keeps a connection to the database."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the server's two questions."""
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.hub.close()
        await send({"type": "lifespan.shutdown.complete"})
