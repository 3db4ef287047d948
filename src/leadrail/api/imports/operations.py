"""The rows of the import operations."""

from leadrail.api.imports import examples, handling
from leadrail.api.imports.shapes import ImportPatch, ReadQuery, ShownImport, ShownPreset, StartBody, UploadQuery
from leadrail.api.operation import Operation
from leadrail.api.page import Page, Paging
from leadrail.core.actor import Scope
from leadrail.core.errors import Code

CSV = "text/csv"

OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/imports",
        summary="Take a file of leads in",
        description="Values separated by comma, semicolon, tab or |, in any usual encoding, of at most 256 MiB; the"
        " first row names the columns. The answer says how it is understood: correct that with PATCH, then start it. A"
        " file that was imported into the channel before is refused with 409 unless `again`.",
        tag="Imports",
        scope=Scope.WRITE,
        handler=handling.upload,
        upload=CSV,
        query=UploadQuery,
        answer=ShownImport,
        status=201,
        refusals=(Code.CHANNEL_NOT_FOUND, Code.NOT_FOUND, Code.CONFLICT),
        request_example=examples.FILE,
        answer_example=examples.DRAFT,
    ),
    Operation(
        method="GET",
        path="/v1/imports",
        summary="List imports, newest first",
        tag="Imports",
        scope=Scope.READ,
        handler=handling.listed,
        query=Paging,
        answer=Page[ShownImport],
        answer_example={"data": [examples.DONE], "next_cursor": None},
    ),
    Operation(
        method="GET",
        path="/v1/imports/{id}",
        summary="Read an import and how far it is",
        tag="Imports",
        scope=Scope.READ,
        handler=handling.read,
        query=ReadQuery,
        answer=ShownImport,
        answer_example=examples.DONE,
    ),
    Operation(
        method="PATCH",
        path="/v1/imports/{id}",
        summary="Correct how a file is understood",
        description="With `save_as` the options are kept under a name, for the next file of the kind (`preset`).",
        tag="Imports",
        scope=Scope.WRITE,
        handler=handling.edit,
        body=ImportPatch,
        answer=ShownImport,
        refusals=(Code.CONFLICT, Code.UNKNOWN_PROPERTY, Code.CHANNEL_NOT_FOUND),
        request_example=examples.PATCH,
        answer_example=examples.DRAFT,
    ),
    Operation(
        method="DELETE",
        path="/v1/imports/{id}",
        summary="Forget a file that was not started",
        tag="Imports",
        scope=Scope.WRITE,
        handler=handling.discard,
        status=204,
        refusals=(Code.CONFLICT,),
    ),
    Operation(
        method="POST",
        path="/v1/imports/{id}/start",
        summary="Bring the leads in, or say what that would do",
        description="Goes on in the background, also after a crash, and no row is done twice.",
        tag="Imports",
        scope=Scope.WRITE,
        handler=handling.start,
        body=StartBody,
        answer=ShownImport,
        status=202,
        refusals=(Code.CONFLICT,),
        request_example={"dry_run": True},
        answer_example=examples.CHECKING,
    ),
    Operation(
        method="POST",
        path="/v1/imports/{id}/undo",
        summary="Take an import back",
        description="Within 30 days. The leads that it made go to a status of the category deleted, those that it"
        " changed are as they were before; a lead that somebody has touched since stays, and is counted as kept.",
        tag="Imports",
        scope=Scope.WRITE,
        handler=handling.undo,
        answer=ShownImport,
        status=202,
        refusals=(Code.CONFLICT,),
        answer_example=examples.UNDOING,
    ),
    Operation(
        method="GET",
        path="/v1/imports/{id}/refused.csv",
        summary="Read the refused rows, to mend and import again",
        description="The rows as they were, with the reason in a last column, `import_error`, which an import passes"
        " over. Kept for 30 days.",
        tag="Imports",
        scope=Scope.READ,
        handler=handling.refused,
        media_type=CSV,
        answer_example=examples.REFUSED,
    ),
    Operation(
        method="GET",
        path="/v1/import-presets",
        summary="List the options kept under a name, newest first",
        tag="Imports",
        scope=Scope.READ,
        handler=handling.presets,
        query=Paging,
        answer=Page[ShownPreset],
        answer_example={"data": [examples.PRESET], "next_cursor": None},
    ),
    Operation(
        method="DELETE",
        path="/v1/import-presets/{id}",
        summary="Forget the options kept under a name",
        tag="Imports",
        scope=Scope.WRITE,
        handler=handling.drop_preset,
        status=204,
    ),
)
