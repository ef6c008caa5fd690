"""Assets of exports: one per report type, which shows the files that were made of it."""

import dagster as dg

from exporters.catalogue import load_catalogue
from pipelines.export_names import export_key

GROUP = "exports"


def build_export_assets() -> list[dg.AssetSpec]:
    """One per report type; nothing here makes them: a run of `export_report` makes one file."""
    return [
        dg.AssetSpec(
            export_key(name),
            deps=[dg.AssetKey("generation")],
            group_name=GROUP,
            description=f"{report.header.title}: {report.header.description}",
        )
        for name, report in load_catalogue().items()
    ]
