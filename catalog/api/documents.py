"""Routes of whole tests as documents."""

from catalog.api.serializers import DocumentShape, OfferOut
from catalog.engine.document import schema
from catalog.selectors.bank import test_document_export
from catalog.selectors.offers import test_get_for
from catalog.services.documents import test_document_import
from cbt.http.face import Ok
from cbt.http.fields import JsonObject
from cbt.http.pages import bool_of
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Access, FaceView, Scope
from cbt.kernel.errors import ErrorCode
from cbt.kernel.permissions import Perm

ERRORS = [ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN]


class Export(FaceView):
    """A test as one document."""

    permission = Perm.EDIT_TESTS
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented("Export a test with its keys", response=DocumentShape, errors=[*ERRORS, ErrorCode.NOT_FOUND])
    def get(self, request: Request, test: int) -> Ok:
        """The whole test in the format `cbt-test/1`."""
        found = test_get_for(request.actor, test)
        return Ok(test_document_export(found), message="Test exported successfully")


class Import(FaceView):
    """A test from one document."""

    permission = Perm.CREATE_TESTS
    rate = Rate.STAFF
    scope = Scope.ALL
    max_body_bytes = 20 * 1024 * 1024

    @documented(
        "Import a test",
        request=DocumentShape,
        response=OfferOut,
        status=201,
        errors=[*ERRORS, ErrorCode.VALIDATION_ERROR],
        query=[("replace_bank", "true: replace the test that has this code; otherwise such a code is refused")],
    )
    def post(self, request: Request) -> Ok:
        """Make (201) or, with `replace_bank`, replace (200) the test the body describes."""
        replace = bool(bool_of(request, "replace_bank"))
        test, is_new = test_document_import(document=request.data, actor=request.actor, replace_bank=replace)
        return Ok(OfferOut(test).data, message="Test imported successfully", status=201 if is_new else 200)


class Schema(FaceView):
    """The published format."""

    permission = Access.PUBLIC
    rate = Rate.PUBLIC
    scope = Scope.NONE

    @documented("JSON Schema of the test document", response=JsonObject())
    def get(self, request: Request) -> Ok:
        """The JSON Schema (2020-12) of `cbt-test/1`."""
        return Ok(schema(), message="Schema retrieved successfully")
