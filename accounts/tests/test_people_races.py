"""Two at once: one address wanted twice, the last two super admins, one profile. Each guard has a control."""

import threading

import pytest

from accounts.models import EmailVerification, PublicProfile, User
from accounts.selectors.people import super_admins_able
from accounts.selectors.users import actor_of_user, user_by_email
from accounts.services import people
from accounts.services.people import person_remove, person_update
from accounts.services.profile import profile_complete, profile_update
from accounts.services.users import users_lock
from accounts.services.verification import PURPOSE, email_verify
from accounts.states import Role
from accounts.tests.factories import make_user, token_of
from cbt.kernel import clock, ids
from cbt.kernel.errors import DomainError, ErrorCode
from tests.support import Api, race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def _codes(results):
    faults = [one for one in results if isinstance(one, Exception) and not isinstance(one, DomainError)]
    assert faults == []
    return sorted(one.code.value for one in results if isinstance(one, DomainError))


def _asked(email):
    user = make_user()
    profile_update(actor=actor_of_user(user), email=email)
    row = EmailVerification.objects.get(user=user, used_at__isnull=True)
    return user, ids.derive_token(PURPOSE, row.nonce)


def test_new_email__when_two_users_prove_one_address_at_once__then_one_gets_it():
    asked = [_asked(email) for email in ("Twin@example.com", "twin@Example.com")]
    results = race(2, lambda index: email_verify(token=asked[index][1]))
    assert _codes(results) == ["EMAIL_TAKEN"]
    holders = [user for user in User.objects.all() if user.email.lower() == "twin@example.com"]
    assert len(holders) == 1
    winner = next(index for index, one in enumerate(results) if isinstance(one, User))
    assert holders[0].pk == asked[winner][0].pk


def test_new_email__control__looking_first_finds_it_free_for_both():
    asked = [_asked(email) for email in ("Twin@example.com", "twin@Example.com")]
    looked = threading.Barrier(2)

    def act(index):
        is_free = user_by_email("twin@example.com") is None
        looked.wait(timeout=30)
        return is_free

    assert len(asked) == 2
    assert race(2, act) == [True, True]


def test_new_email__when_staff_gives_one_address_to_two_at_once__then_one_gets_it():
    boss, users = make_user(Role.SUPER_ADMIN), [make_user(), make_user()]
    desk = token_of(boss)
    answers = race(2, lambda index: Api(desk).patch(f"/api/users/{users[index].pk}", {"email": "twin@example.com"}))
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    assert User.objects.filter(email="twin@example.com").count() == 1


def test_new_email__when_one_user_asks_six_times_at_once__then_one_link_is_open():
    user = make_user()
    token = token_of(user)
    race(6, lambda index: Api(token).put("/api/profile/update", {"email": f"new{index % 2}@example.com"}))
    assert EmailVerification.objects.filter(user=user, used_at__isnull=True).count() == 1


def _twins():
    return [make_user(Role.SUPER_ADMIN), make_user(Role.SUPER_ADMIN)]


ACTS = {
    "delete": lambda pk, actor: person_remove(user_id=pk, actor=actor),
    "demote": lambda pk, actor: person_update(user_id=pk, role=Role.PUBLIC_USER, actor=actor),
    "deactivate": lambda pk, actor: person_update(user_id=pk, is_active=False, actor=actor),
    "lock": lambda pk, actor: users_lock(user_ids=[pk], locked=True, actor=actor),
}


@pytest.mark.parametrize("name", ACTS)
def test_super_admins__when_the_last_two_remove_each_other__then_one_stays(name):
    twins = _twins()
    actors = [actor_of_user(user) for user in twins]
    results = race(2, lambda index: ACTS[name](twins[1 - index].pk, actors[index]))
    assert _codes(results) == ["BUSINESS_RULE"]
    assert super_admins_able().count() == 1


def test_super_admins__control__when_each_locks_only_whom_it_shuts_out__then_both_are_out():
    """Both look before either has written, as they do where only the target's row is locked."""
    twins = _twins()
    counted = threading.Barrier(2)

    def act(index):
        target = twins[1 - index]
        able = set(super_admins_able().values_list("pk", flat=True))
        counted.wait(timeout=30)
        assert not able <= {target.pk}
        User.objects.filter(pk=target.pk).update(is_locked=True, updated_at=clock.now())

    assert race(2, act) == [None, None]
    assert super_admins_able().count() == 0


def test_super_admins__control__without_the_common_lock_both_go(monkeypatch):
    """Each locks only the row it changes, counts, and then writes."""
    twins = _twins()
    actors = [actor_of_user(user) for user in twins]
    counted = threading.Barrier(2)

    def naive(user, actor):
        able = set(super_admins_able().values_list("pk", flat=True))
        counted.wait(timeout=30)
        if able <= {user.pk}:
            raise DomainError(ErrorCode.BUSINESS_RULE, "no")

    def act(index):
        target = User.objects.get(pk=twins[1 - index].pk)
        naive(target, actors[index])
        User.objects.filter(pk=target.pk).update(role=Role.PUBLIC_USER, updated_at=clock.now())

    assert race(2, act) == [None, None]
    assert super_admins_able().count() == 0


def test_super_admins__when_a_third_one_exists__then_who_was_demoted_a_moment_ago_decides_nothing():
    first, second, third = *_twins(), make_user(Role.SUPER_ADMIN)
    stale = actor_of_user(second)
    person_update(user_id=second.pk, role=Role.PUBLIC_USER, actor=actor_of_user(first))
    with pytest.raises(DomainError) as caught:
        people.person_remove(user_id=third.pk, actor=stale)
    assert caught.value.code == ErrorCode.FORBIDDEN
    assert super_admins_able().count() == 2


def test_complete__when_six_at_once__then_once():
    user = make_user()
    actor = actor_of_user(user)

    def act(index):
        return profile_complete(actor=actor, phone=str(index), date_of_birth=clock.now().date(), address="x")

    assert _codes(race(6, act)) == ["BUSINESS_RULE"] * 5
    assert PublicProfile.objects.get().address == "x"


def test_complete__control__looking_first_finds_it_empty_for_both():
    user = make_user()
    looked = threading.Barrier(2)

    def act(_):
        is_empty = not PublicProfile.objects.get(user=user).phone
        looked.wait(timeout=30)
        return is_empty

    assert race(2, act) == [True, True]
