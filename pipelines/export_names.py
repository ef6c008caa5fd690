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
"""Tag of a run that makes its file in a process of its own, and tells itself how that went.

Its value is the run's id: a run that is executed again begins with the tags of the one before.
"""


def has_own_process(run: dg.DagsterRun) -> bool:
    """Whether the run carries OWN_PROCESS_TAG as its own."""
    return run.tags.get(OWN_PROCESS_TAG) == run.run_id


def export_key(report_type: str) -> dg.AssetKey:
    """Key of the asset of a report type's files."""
    return dg.AssetKey(["exports", report_type])
