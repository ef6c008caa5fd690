"""The server: runs the API until it is told to stop."""

from granian import Granian
from granian.constants import Interfaces, Loops
from granian.log import LogLevels

from api.logs import describe_logging, is_terminal

_TARGET = "api.http.app:create_app_from_environment"


def serve(host: str, port: int, log_level: str) -> None:
    """Serve the API on an address; returns once SIGINT or SIGTERM came and what was under way is answered."""
    Granian(
        _TARGET,
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.asyncio,
        workers=1,
        websockets=False,
        log_level=LogLevels(log_level),
        log_dictconfig=describe_logging(log_level, as_text=is_terminal()),
        workers_kill_timeout=10,
    ).serve()
