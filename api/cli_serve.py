"""The command that serves the API and the reports page."""

from contextlib import ExitStack
from typing import Annotated

import typer


def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on; default: the setting's.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65_535, help="Port; default: the setting's.")
    ] = None,
    slots: Annotated[
        int, typer.Option("--slots", min=0, max=256, help="Slots of a worker to run beside; 0: none.")
    ] = 0,
) -> None:
    """Serve the API and the reports page until Ctrl-C."""
    # Here, not above: they take a second to import, which no other command needs.
    from api.http.server import serve as run_server  # noqa: PLC0415
    from api.observing import prepare_worker  # noqa: PLC0415
    from exporters.worker import worker_beside  # noqa: PLC0415
    from settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    prepare = prepare_worker(settings)
    with ExitStack() as stack:
        if slots:
            stack.enter_context(worker_beside(settings.exports, slots, prepare=prepare))
        run_server(host or settings.api_host, port or settings.api_port, settings.log_level)
