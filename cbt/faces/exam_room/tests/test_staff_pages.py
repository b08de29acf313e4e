"""The back office while an exam runs: who is it, and where did they sign in."""

import pytest

from accounts.states import Role
from accounts.tests.factories import PASSWORD, make_user
from cbt.faces.exam_room.tests.factories import make_candidate
from tests.support import Api

pytestmark = pytest.mark.django_db


def test_admin__when_a_candidate_is_looked_up_by_number__then_found_with_number_logins_and_devices(client):
    one, _ = make_candidate(), make_candidate()
    number = one.participant.user.participant_number
    body = {"nomor_peserta": number, "password": PASSWORD}
    assert Api().post("/api/auth/login", body, headers={"User-Agent": "Room 3/1.0"}).status_code == 200
    client.force_login(make_user(Role.SUPER_ADMIN), backend="accounts.backends.EmailBackend")
    listed = client.get("/admin/sessions_app/participant/", {"q": number.lower()})
    assert [row.pk for row in listed.context["cl"].result_list] == [one.participant.pk]
    assert number in listed.content.decode()
    page = client.get(f"/admin/sessions_app/participant/{one.participant.pk}/change/").content.decode()
    link = f"/admin/accounts/login/?user__id__exact={one.participant.user_id}"
    assert number in page
    assert f'href="{link}"' in page
    logins = client.get(link)
    assert {row.user_id for row in logins.context["cl"].result_list} == {one.participant.user_id}
    assert "Room 3/1.0" in logins.content.decode()
