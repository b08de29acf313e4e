"""Photos in parallel: the limit holds, numbers have no twins, a ban leaves no file behind."""

import pytest

from anticheat.tests.factories import make_sitting
from proctoring.models import Photo
from proctoring.tests.pictures import encoded, upload
from tests.support import Api, race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]


def stored_files(media):
    return sum(path.is_file() for path in media.rglob("*"))


def test_photos__when_eight_at_once_and_room_for_five__then_five(media, settings):
    settings.PHOTOS_PER_SESSION = 5
    sitting = make_sitting()
    data = encoded()
    results = race(8, lambda _: Api().upload(f"{sitting.path}/photo/capture", upload(data)).status_code)
    assert sorted(results) == [200] * 5 + [429] * 3
    assert sorted(Photo.objects.values_list("number", flat=True)) == [1, 2, 3, 4, 5]
    assert stored_files(media) == 5


def test_photos__when_a_ban_comes_between__then_rows_and_files_agree(media):
    sitting = make_sitting()
    data = encoded()

    def act(index):
        if index == 0:
            body = {"detection_type": "copy_paste", "severity": 5}
            return Api().post(f"{sitting.path}/cheat/log", body).status_code
        return Api().upload(f"{sitting.path}/photo/capture", upload(data)).status_code

    results = race(6, act)
    assert results[0] == 200
    assert set(results[1:]) <= {200, 403}
    assert Photo.objects.count() == stored_files(media) == results[1:].count(200)
