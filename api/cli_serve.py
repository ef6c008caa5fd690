"""The command that serves the API and the reports page."""

from typing import Annotated

import typer


def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on; default: the setting's.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65_535, help="Port; default: the setting's.")
    ] = None,
) -> None:
    """Serve the API and the reports page until Ctrl-C."""
    from api.http.server import serve as run_server  # noqa: PLC0415  it takes a second to import
    from settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    run_server(host or settings.api_host, port or settings.api_port)
