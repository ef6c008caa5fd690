"""The operations of the family, as a table."""

from api.http.batches.answers import BatchReports, OneReportBatch, ReportBatch, WebhookOutcome
from api.http.batches.batches import BATCHES
from api.http.batches.requests import BatchRequest, WebhookAuth
from api.http.batches.webhook_trials import WEBHOOK_TEST
from api.http.operation import Operation, path, query

_BATCH_ID = path("batch_id", "The batch.", "8b0b5c0e-5a57-4b4f-9d6b-2a3f4c5d6e7f", type="string")
_ITEM_ID = path("item_id", "The report.", "b7f1a9c2-0d4e-4f6a-8b1c-2d3e4f5a6b7c", type="string")
_STATUS = query("status", "Only Completed (0), Warning (1) or Failed (2), by name or number.", type="string")
_TOKEN = query("cToken", "The continuationToken of the page before.", type="string")
_TRIAL = (
    query("url", "Where to call; it must be there.", type="string"),
    query("lassoId", "Such as CVR-1-11223344, in any case.", type="string"),
    query("batchId", "The id of a batch.", type="string"),
    query("reportType", "A type, by name or number.", type="string"),
)
_ONE = BATCHES + "/{batch_id}"
_OF_ONE = (404, 503)
_CHANGE = (400, 404, 503)

OPERATIONS: tuple[Operation, ...] = (
    Operation("get", BATCHES, "listBatches", "Batches, newest first", list[ReportBatch], refusals=(503,)),
    Operation(
        "post", BATCHES, "createBatch", "Have many reports made",
        OneReportBatch, refusals=(400, 413, 503), body=BatchRequest,
    ),
    Operation("get", _ONE, "readBatch", "One batch", OneReportBatch, (_BATCH_ID,), refusals=_OF_ONE),
    Operation(
        "get", _ONE + "/items", "listBatchItems", "Finished reports of a batch",
        BatchReports, (_BATCH_ID, _STATUS, _TOKEN), refusals=_CHANGE,
    ),
    Operation(
        "get", _ONE + "/items/{item_id}/download", "downloadBatchItem", "The file of a finished report",
        None, (_BATCH_ID, _ITEM_ID), refusals=(307, 404, 410, 503),
    ),
    Operation(
        "get", _ONE + "/download", "downloadBatch", "A zip of the finished reports",
        None, (_BATCH_ID,), refusals=_OF_ONE,
    ),
    Operation(
        "post", _ONE + "/retry", "retryBatch", "Make the failed reports again",
        OneReportBatch, (_BATCH_ID,), refusals=_CHANGE,
    ),
    Operation(
        "post", _ONE + "/stop", "stopBatch", "Let a listener listen no more",
        OneReportBatch, (_BATCH_ID,), refusals=_CHANGE,
    ),
    Operation(
        "post", _ONE + "/archive", "archiveBatch", "Put a batch away that is at its end",
        OneReportBatch, (_BATCH_ID,), refusals=_CHANGE,
    ),
    Operation(
        "get", WEBHOOK_TEST, "testWebhook", "Call a webhook once, to see what comes of it",
        WebhookOutcome, _TRIAL, refusals=(400, 503),
    ),
    Operation(
        "post", WEBHOOK_TEST, "testWebhookWithAuth", "The same for one that must know the caller",
        WebhookOutcome, _TRIAL, refusals=(400, 413, 503), body=WebhookAuth,
    ),
)  # fmt: skip
