"""What staff sees of this dialect in the admin."""

from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.tests.factories import make_offer
from cbt.faces.v1.tests.factories import api_of, make_named, make_test
from cbt.kernel.models import Upload
from tests.world import png


@pytest.fixture
def staff(client, db):
    client.force_login(make_user(Role.SUPER_ADMIN), backend="accounts.backends.EmailBackend")
    return client


def test_attendance__then_shown_and_read_only(staff):
    author, pupil = api_of(Role.INSTRUCTOR), make_named(name="Siti Aminah")
    made = author.post("/v1/attendance", {"test_id": make_test(author), "user_id": pupil.pk, "status": "late"}).json()
    for address, seen in (("", True), ("?q=siti", True), ("?q=nobody", False), ("?status__exact=present", False)):
        page = staff.get(f"/admin/proctoring/attendance/{address}").content.decode()
        assert (f"/admin/proctoring/attendance/{made['id']}/change/" in page) == seen, address
        assert ("Siti Aminah" in page) == seen, address
    assert staff.get("/admin/proctoring/attendance/add/").status_code == 403
    assert staff.post(f"/admin/proctoring/attendance/{made['id']}/delete/").status_code == 403


def test_upload__then_found_by_its_owner_and_opened_by_its_link(staff, media):
    owner = make_named()
    api = api_of()
    api.upload("/v1/files/upload", {"file": SimpleUploadedFile("a.png", png(), content_type="image/png")})
    row = Upload.objects.get()
    page = staff.get(f"/admin/kernel/upload/?q={row.owner_id}").content.decode()
    link = unescape(page.partition(f"{row.name}</a>")[0].rpartition('href="')[2].rstrip('">'))
    file = staff.get(link)
    assert (file["Content-Type"], b"".join(file.streaming_content)[:4]) == ("image/png", b"\x89PNG")
    assert row.name not in staff.get(f"/admin/kernel/upload/?q={owner.pk}").content.decode()
    assert staff.get("/admin/kernel/upload/add/").status_code == 403


def test_tests__when_narrowed_to_those_somebody_owns__then_those_of_classes(staff):
    owned, sold = make_test(api_of(Role.INSTRUCTOR)), make_offer().pk
    for value, shown, hidden in ((0, owned, sold), (1, sold, owned)):
        page = staff.get(f"/admin/catalog/test/?owner__isempty={value}").content.decode()
        assert f"/admin/catalog/test/{shown}/change/" in page
        assert f"/admin/catalog/test/{hidden}/change/" not in page
