"""Smallest valid rows of the catalogue."""

import io
import itertools
from typing import Any

from PIL import Image

from accounts.states import ROLE_PERMISSIONS, Role
from catalog.models import Test, TestCategory
from catalog.services import categories, documents, offers
from catalog.tests.builders import document, question
from cbt.kernel.actor import Actor, ActorKind

_number = itertools.count(1)

ADMIN = Actor(kind=ActorKind.USER, id=1, role=Role.SUPER_ADMIN.value, permissions=ROLE_PERMISSIONS[Role.SUPER_ADMIN])


def make_category(**fields: Any) -> TestCategory:
    """Store a category."""
    return categories.category_create(data={"name": f"Category {next(_number)}", **fields}, actor=ADMIN)


def make_offer(**fields: Any) -> Test:
    """Store a test without a bank."""
    number = next(_number)
    data = {"name": f"Test {number}", "code": f"T-{number}", "price": 50000, "type": "all", **fields}
    return offers.test_create(data=data, actor=ADMIN)


def make_banked(*questions: dict[str, Any], **fields: Any) -> Test:
    """Store a test with a bank: one single-choice question, unless others are given."""
    whole = document(*(questions or (question("single_choice"),)), **{"code": f"B-{next(_number)}", **fields})
    return documents.test_document_import(document=whole, actor=ADMIN)[0]


def png_bytes(color: str = "red", size: tuple[int, int] = (4, 4), kind: str = "PNG") -> bytes:
    """A picture file."""
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, kind)
    return buffer.getvalue()
