"""Routes of the question bank, for authors: answers hold the keys, so viewing tests is not enough."""

from typing import Any

from catalog.api.serializers import (
    BankQuestionIn,
    BankQuestionOut,
    PictureIn,
    PictureOut,
    ReorderIn,
    ScaleShape,
    ScalesIn,
)
from catalog.selectors.bank import pictures_for, question_get, questions_for, scales_for
from catalog.selectors.offers import test_get_for
from catalog.services import bank, pictures
from cbt.http.face import Ok
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import FaceView, Scope
from cbt.kernel.errors import ErrorCode, invalid
from cbt.kernel.permissions import Perm

ERRORS = [ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN, ErrorCode.NOT_FOUND]
WRITE_ERRORS = [*ERRORS, ErrorCode.VALIDATION_ERROR]
EXAMPLE = {
    "key": "q1", "kind": "single_choice", "text": "2 + 3 = …",
    "options": [{"key": "a", "text": "5"}, {"key": "b", "text": "6"}], "answer_key": "a", "weight": 1,
}  # fmt: skip


def _document(request: Request) -> dict[str, Any]:
    """The question of the body: what a reader of the list sends back is read as well."""
    body = dict(request.data)
    body.pop("id", None)
    body.pop("position", None)
    return body


class AuthorView(FaceView):
    """What all routes of the bank share."""

    permission = Perm.EDIT_TESTS
    rate = Rate.STAFF
    scope = Scope.ALL


class Questions(AuthorView):
    """The questions of a test."""

    @documented("List the questions of a test with their keys", response=BankQuestionOut, many=True, errors=ERRORS)
    def get(self, request: Request, test: int) -> Ok:
        """All questions in order."""
        rows = questions_for(test_get_for(request.actor, test))
        return Ok([BankQuestionOut.of(row) for row in rows], message="Questions retrieved successfully")

    @documented(
        "Add a question",
        request=BankQuestionIn,
        response=BankQuestionOut,
        status=201,
        errors=WRITE_ERRORS,
        example=EXAMPLE,
    )
    def post(self, request: Request, test: int) -> Ok:
        """Add a question at the end, or at `position`."""
        position = dict(request.data).get("position")
        if position is not None and (isinstance(position, bool) or not isinstance(position, int) or position < 1):
            raise invalid(position="The position must be an integer of at least 1.")
        made = bank.question_create(
            test_id=test, document=_document(request), position=position, actor=request.actor
        )  # fmt: skip
        return Ok(BankQuestionOut.of(made), message="Question created successfully", status=201)


class OneQuestion(AuthorView):
    """One question of a test."""

    @documented("Show a question with its key", response=BankQuestionOut, errors=ERRORS)
    def get(self, request: Request, test: int, question: int) -> Ok:
        """Show it."""
        found = question_get(test_get_for(request.actor, test), question)
        return Ok(BankQuestionOut.of(found), message="Question retrieved successfully")

    @documented(
        "Replace a question", request=BankQuestionIn, response=BankQuestionOut, errors=WRITE_ERRORS, example=EXAMPLE
    )
    def put(self, request: Request, test: int, question: int) -> Ok:
        """Replace it; sittings that have started keep the old one."""
        return self._change(request, test, question, partial=False)

    @documented("Change a question in part", request=BankQuestionIn, response=BankQuestionOut, errors=WRITE_ERRORS)
    def patch(self, request: Request, test: int, question: int) -> Ok:
        """Change the given fields."""
        return self._change(request, test, question, partial=True)

    @documented("Delete a question", errors=WRITE_ERRORS)
    def delete(self, request: Request, test: int, question: int) -> Ok:
        """Take it out of the draft."""
        bank.question_delete(test_id=test, question_id=question, actor=request.actor)
        return Ok(message="Question deleted successfully")

    def _change(self, request: Request, test: int, question: int, *, partial: bool) -> Ok:
        changed = bank.question_update(
            test_id=test,
            question_id=question,
            document=_document(request),
            partial=partial,
            actor=request.actor,
        )
        return Ok(BankQuestionOut.of(changed), message="Question updated successfully")


class QuestionOrder(AuthorView):
    """The order of the questions."""

    @documented("Reorder the questions", request=ReorderIn, response=BankQuestionOut, many=True, errors=WRITE_ERRORS)
    def post(self, request: Request, test: int) -> Ok:
        """Put the questions in the order of `keys`."""
        keys = ReorderIn.parse(request)["keys"]
        rows = bank.questions_reorder(test_id=test, keys=keys, actor=request.actor)
        return Ok([BankQuestionOut.of(row) for row in rows], message="Questions reordered successfully")


class Scales(AuthorView):
    """The scales of a test."""

    @documented("List the scales of a test", response=ScaleShape, many=True, errors=ERRORS)
    def get(self, request: Request, test: int) -> Ok:
        """All scales in order."""
        rows = scales_for(test_get_for(request.actor, test))
        return Ok([row.document() for row in rows], message="Scales retrieved successfully")

    @documented("Replace all scales of a test", request=ScalesIn, response=ScaleShape, many=True, errors=WRITE_ERRORS)
    def put(self, request: Request, test: int) -> Ok:
        """Replace the whole list."""
        document = ScalesIn.parse(request)["scales"]  # the shape only; what is in it is checked by its schema
        rows = bank.scales_put(test_id=test, document=document, actor=request.actor)
        return Ok([row.document() for row in rows], message="Scales updated successfully")


class Pictures(AuthorView):
    """The pictures of a test."""

    max_body_bytes = 3 * 1024 * 1024

    @documented("List the pictures of a test", response=PictureOut, many=True, errors=ERRORS)
    def get(self, request: Request, test: int) -> Ok:
        """Current pictures with signed addresses."""
        rows = pictures_for(test_get_for(request.actor, test))
        return Ok([PictureOut(row).data for row in rows], message="Pictures retrieved successfully")

    @documented(
        "Add or replace a picture",
        request=PictureIn,
        response=PictureOut,
        status=201,
        errors=WRITE_ERRORS,
        multipart=True,
    )
    def post(self, request: Request, test: int) -> Ok:
        """Store a picture under its key."""
        data = PictureIn.parse(request)
        row = pictures.picture_add(
            test_id=test,
            key=data["key"],
            alt=data["alt"],
            data=data["picture"].read(),
            actor=request.actor,
        )
        return Ok(PictureOut(row).data, message="Picture uploaded successfully", status=201)
