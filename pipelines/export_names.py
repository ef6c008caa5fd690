"""The names under which Dagster shows exports."""

import dagster as dg

EXPORT_REPORT = "export_report"
"""The job."""

EXPORT_OP = "export"
"""Its op."""

JOB_TAG = "job_id"
"""Tag of a run: the export job that it shows."""

EXPORT_RECORDS = "export_records"
"""The sensor that records how exports ended."""

OWN_PROCESS_TAG = "own_process"
"""Tag of a run that makes its file in a process of its own, and tells itself how that went."""


def export_key(report_type: str) -> dg.AssetKey:
    """Key of the asset of a report type's files."""
    return dg.AssetKey(["exports", report_type])
