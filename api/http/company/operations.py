"""The operations of the family, as a table."""

from api.http.company.answers import (
    CompanyBackTest,
    CompanyField,
    CompanyFire,
    CompanyId,
    CompanyRehearsal,
    CompanyReport,
    CompanyReports,
    CompanyReportType,
    CompanyValue,
    Nothing,
)
from api.http.company.arguments import ARGUMENTS
from api.http.company.download import DOWNLOAD
from api.http.company.outlook import MOST_DAYS, MOST_FIRES, REHEARSAL, USUAL_DAYS, USUAL_FIRES
from api.http.company.reports import REPORTS
from api.http.company.requests import ArgumentRequest, DownloadRequest, ReportChange, ReportRequest
from api.http.company.sign_in import SIGN_IN_PATH, SignInAnswer, SignInRequest
from api.http.company.types import FIELDS, TYPES, VALUES
from api.http.operation import WORKSHOP, Operation, path, query
from exporters.definitions.arguments import FORMAT_NAMES

_TYPE_ID = query(
    "report_type_id",
    "Only the fields of one type, or `all` (`any`): those that every type has.",
    type="string",
)
_VALUE_TYPE = path("type", "A type of an argument, such as `pbx_queue`.", "pbx_queue", type="string")
_ID = path("report_id", "The report, as its creation named it.", "2613", type="string")
_ARGUMENT_ID = path("argument_id", "The argument, as the report lists it.", "25343", type="string")
_FORMAT = path("format", "Of the file.", "csv", type="string", enum=list(FORMAT_NAMES))
_PAGE = (
    query("limit", "Reports of a page, at most 100.", type="integer", minimum=1, default=20),
    query("limit_from", "Reports before the first of the page.", type="integer", minimum=0, default=0),
)
_BEFORE = query("before", "The id of the last fire of the page before.", type="string")
_COUNT = query("count", "How many times.", type="integer", minimum=1, maximum=MOST_FIRES, default=USUAL_FIRES)
_DAYS = query("days", "How many days back.", type="integer", minimum=1, maximum=MOST_DAYS, default=USUAL_DAYS)
_REPORT = REPORTS + "/{report_id}"
_ARGUMENT = ARGUMENTS + "/{argument_id}"
_OF_ONE = (404, 422, 503)
_CHANGE = (400, 404, 409, 413, 422, 503)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "post", SIGN_IN_PATH, "signIn", "Exchange an API key for an access token",
        SignInAnswer, refusals=(400, 401, 402, 413, 422, 429, 500, 503), body=SignInRequest,
        guarded=False, takes_form=True,
    ),
    Operation("get", TYPES, "listCompanyTypes", "Types of reports", list[CompanyReportType]),
    Operation(
        "get", FIELDS, "listCompanyFields", "Arguments by the id of their type",
        dict[str, list[CompanyField]], (_TYPE_ID,), refusals=(422,),
    ),
    Operation(
        "get", VALUES + "/{type}", "listCompanyValues", "What an argument of a type can name",
        list[CompanyValue], (_VALUE_TYPE, WORKSHOP), refusals=_OF_ONE,
    ),
    Operation(
        "get", REPORTS, "listCompanyReports", "Reports that are mailed at an interval",
        CompanyReports, (*_PAGE, WORKSHOP), refusals=_OF_ONE,
    ),
    Operation(
        "post", REPORTS, "createCompanyReport", "Have a report mailed at an interval",
        CompanyId, (WORKSHOP,), refusals=(400, 404, 413, 422, 503), body=ReportRequest,
    ),
    Operation(
        "get", _REPORT, "readCompanyReport", "One report", CompanyReport, (_ID, WORKSHOP), refusals=_OF_ONE
    ),
    Operation(
        "patch", _REPORT, "changeCompanyReport", "Change a report",
        Nothing, (_ID, WORKSHOP), refusals=_CHANGE, body=ReportChange,
    ),
    Operation(
        "delete", _REPORT, "deleteCompanyReport", "Delete a report",
        Nothing, (_ID, WORKSHOP), refusals=_OF_ONE,
    ),
    Operation(
        "post", ARGUMENTS, "addCompanyArgument", "Give a report another argument",
        CompanyId, (_ID, WORKSHOP), refusals=_CHANGE, body=ArgumentRequest,
    ),
    Operation(
        "patch", _ARGUMENT, "changeCompanyArgument", "Change an argument",
        Nothing, (_ID, _ARGUMENT_ID, WORKSHOP), refusals=_CHANGE, body=ArgumentRequest,
    ),
    Operation(
        "delete", _ARGUMENT, "removeCompanyArgument", "Remove an argument",
        Nothing, (_ID, _ARGUMENT_ID, WORKSHOP), refusals=(*_OF_ONE, 409),
    ),
    Operation(
        "get", _REPORT + "/send", "sendCompanyReport", "Send a report now to its recipients",
        Nothing, (_ID, WORKSHOP), refusals=_OF_ONE,
    ),
    Operation(
        "post", _REPORT + "/test", "testCompanyReport", "Send a report now to its owner alone",
        Nothing, (_ID, WORKSHOP), refusals=_OF_ONE,
    ),
    Operation(
        "get", _REPORT + "/fires", "listCompanyFires", "When a report was to be sent, the newest first",
        list[CompanyFire], (_ID, _BEFORE, WORKSHOP), refusals=_OF_ONE,
    ),
    Operation(
        "get", _REPORT + "/rehearsal", "rehearseCompanyReport", "When a report will be sent, and of what",
        list[CompanyRehearsal], (_ID, _COUNT, WORKSHOP), refusals=_OF_ONE,
    ),
    Operation(
        "post", REHEARSAL, "rehearseUnsavedCompanyReport", "When a report would be sent, before it is saved",
        list[CompanyRehearsal], (_COUNT, WORKSHOP), refusals=(400, 404, 413, 422, 503), body=ReportRequest,
    ),
    Operation(
        "get", _REPORT + "/backtest", "backTestCompanyReport", "How often a report would have been sent",
        CompanyBackTest, (_ID, _DAYS, WORKSHOP), refusals=_OF_ONE,
    ),
    Operation(
        "post", DOWNLOAD + "/{format}", "downloadCompanyReport", "Make a report now; the answer is its file",
        None, (_FORMAT, WORKSHOP), refusals=(400, 404, 409, 410, 413, 422, 503), body=DownloadRequest,
    ),
)  # fmt: skip
