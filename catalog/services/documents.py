"""A whole test in and out as one document."""

import base64

from django.db import transaction

from catalog.engine.document import DocumentInvalid, PaperVersion, dump_scale, dump_settings, parse
from catalog.models import Question, QuestionPicture, Scale, Test
from catalog.services import categories, offers
from catalog.services.bank import fill
from catalog.services.pictures import Upload, new_files, picture_put, upload_of
from catalog.services.refusals import refused
from cbt.kernel import audit, clock
from cbt.kernel.actor import Actor
from cbt.kernel.errors import invalid


def test_document_import(
    *,
    document: object,
    actor: Actor,
    replace_bank: bool = False,  # noqa: PT028 -- no test function
) -> tuple[Test, bool]:
    """Make the test a `cbt-test/1` document describes; returns it and whether it is new. All of it or nothing.

    replace_bank: where a live test has the code already, give it the document's bank and offer; otherwise such a
    code is refused. Frozen versions stay. Pictures are re-encoded, so a first import may change a picture's bytes;
    importing an export changes nothing. Raises VALIDATION_ERROR with paths as field names.
    """
    try:
        paper = parse(document)
    except DocumentInvalid as error:
        raise refused(error) from error
    uploads = _uploads(paper)
    with new_files() as names, transaction.atomic():
        test, is_new = _offer(paper, actor, replace_bank)
        _write_bank(test, paper)
        _write_pictures(test, uploads, names)
        offers.bank_changed(test)
        audit.record("catalog.test.imported", actor=actor, obj=test, code=test.code, is_new=is_new)
    return test, is_new


def _offer(paper: PaperVersion, actor: Actor, replace_bank: bool) -> tuple[Test, bool]:
    category = paper.category
    found = category and categories.category_ensure(slug=category.slug, name=category.name, actor=actor)
    settings = {**dump_settings(paper.settings), "pass_percentage": paper.settings.pass_percentage}
    data = {
        "code": paper.code,
        "name": paper.name,
        "description": paper.description,
        "duration_minutes": paper.duration_minutes,
        "type": paper.type,
        "price": paper.price,
        "category_id": found.pk if found else None,
        "settings": settings,
    }
    existing = Test.objects.filter(code=paper.code, deleted_at__isnull=True).first()
    if existing is None:
        return offers.test_create(data=data, actor=actor), True
    if not replace_bank:
        raise invalid(code="The code has already been taken.")
    return offers.test_update(test_id=existing.pk, data=data, actor=actor), False


def _write_bank(test: Test, paper: PaperVersion) -> None:
    """Replace questions and scales. Rows of questions that keep their key keep their id."""
    now = clock.now()
    rows = {row.key: row for row in Question.objects.filter(test=test)}
    gone = rows.keys() - paper.questions_by_key.keys()
    Question.objects.filter(test=test, key__in=gone).delete()
    for position, parsed in enumerate(paper.questions, 1):
        row = rows.get(parsed.key) or Question(test=test, created_at=now)
        fill(row, parsed)
        row.position, row.updated_at = position, now
        row.save()
    Scale.objects.filter(test=test).delete()
    Scale.objects.bulk_create(
        Scale(test=test, position=position, **dump_scale(scale)) for position, scale in enumerate(paper.scales, 1)
    )


def _uploads(paper: PaperVersion) -> list[Upload]:
    return [
        upload_of(
            key=picture.key,
            alt=picture.alt,
            data=base64.b64decode(picture.data_base64 or ""),
            field=f"pictures.{picture.key}.data_base64",
        )
        for picture in paper.pictures
    ]


def _write_pictures(test: Test, uploads: list[Upload], names: list[str]) -> None:
    for upload in uploads:
        picture_put(test, upload, names)
    gone = QuestionPicture.objects.filter(test=test, replaced_at__isnull=True)
    gone.exclude(key__in=[upload.key for upload in uploads]).update(replaced_at=clock.now())
