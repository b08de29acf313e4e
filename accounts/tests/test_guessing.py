"""Guessing passwords past the brake: other addresses, other spellings, all at once."""

import pytest
from django.db import connection
from django.test import RequestFactory

from accounts.services import login as service
from accounts.states import Role
from accounts.tests.factories import PASSWORD, make_user
from cbt.http.client import client_ip, network_of
from cbt.http.rates import FailureCounter
from cbt.kernel.errors import DomainError, ErrorCode
from tests.support import Api, error_of, race

#: Headers by which a program could pretend to be many: {} becomes the number of the try.
PRETENCES = [
    {"X-Forwarded-For": "203.0.113.{}"}, {"X-Forwarded-For": "203.0.113.{}, 127.0.0.1"},
    {"X-Forwarded-For": ", ,203.0.113.{}"}, {"X-Forwarded-For": "2001:db8:{}::1"}, {"X-Real-IP": "203.0.113.{}"},
    {"Forwarded": "for=203.0.113.{}"}, {"X-Client-IP": "203.0.113.{}"}, {"True-Client-IP": "203.0.113.{}"},
    {"CF-Connecting-IP": "203.0.113.{}"}, {"X-Forwarded-Host": "host{}"}, {"User-Agent": "agent {}"},
    {"X-Request-ID": "request-{}-id"}, {"Authorization": "Bearer {}"}, {"Cookie": "sessionid={}; auth-token={}"},
]  # fmt: skip


def test_brake__when_200_guesses_pretend_to_come_from_everywhere__then_five_get_through(db):
    user = make_user(email="ivan.kis@example.com")
    spellings = [user.email, user.email.upper(), f" {user.email}", f"{user.email}\t", "Ivan.Kis@Example.COM"]
    api, admitted = Api(), []
    for number in range(200):
        headers = {name: text.replace("{}", str(number)) for name, text in PRETENCES[number % len(PRETENCES)].items()}
        body = {"email": spellings[number % len(spellings)], "password": f"guess {number}"}
        response = api.post("/api/auth/login", body, headers=headers)
        assert response.status_code in {401, 429}
        admitted.append(response.status_code == 401)
    assert admitted == [True] * 5 + [False] * 195
    error_of(Api().post("/api/auth/login", {"email": user.email, "password": PASSWORD}), 429, "RATE_LIMITED")


@pytest.mark.parametrize(
    ("door", "name", "spelled"),
    [
        ("email", "ivan.kis@example.com", "\u0130van.kis@example.com"),
        ("email", "ivan.kis@example.com", "\u0131van.\u212ai\u017f@example.com"),
        ("username", "ivan.kis", "\u0130VAN.K\u0130S"),
        ("participant_number", "KI-7", "K\u0130-7"),
    ],
)
def test_brake__when_letters_are_some_databases_spelling_of_others__then_one_account(db, door, name, spelled):
    names = {"email": "other@example.com", "username": "other", "participant_number": "other"}
    make_user(Role.PARTICIPANT, **{**names, door: name}, company_id=7)
    for _ in range(5):
        with pytest.raises(DomainError) as wrong:
            service.login(password="wrong", ip="127.0.0.1", user_agent="", **{door: name})
        assert wrong.value.code == ErrorCode.INVALID_CREDENTIALS
    with pytest.raises(DomainError) as caught:
        service.login(password="wrong", ip="127.0.0.1", user_agent="", **{door: spelled})
    assert caught.value.code == ErrorCode.RATE_LIMITED


def test_folded__then_never_finer_than_this_database(db):
    """Every letter there is and what the database makes of it: a spelling that finds the account shares its counter."""
    letters = [chr(code) for code in range(0x80, 0x30000) if not 0xD800 <= code < 0xE000]
    with connection.cursor() as cursor:
        cursor.execute("SELECT LOWER(%s)", ["\n".join(letters)])
        lowered = cursor.fetchone()[0].split("\n")
    apart = [one for one, low in zip(letters, lowered, strict=True) if service.folded(one) != service.folded(low)]
    assert apart == []


def test_counter__when_sixteen_guess_at_once__then_five_get_through():
    counter = FailureCounter("test-burst", limit=5, window_seconds=900)
    results = race(16, lambda _: counter.begin("somebody"))
    refused = [one for one in results if isinstance(one, DomainError) and one.code == ErrorCode.RATE_LIMITED]
    assert (len(results), len(refused)) == (16, 11)


@pytest.mark.parametrize(
    ("proxies", "remote", "header", "found"),
    [
        (0, "198.51.100.7", "203.0.113.9", "198.51.100.7"),
        (0, "::ffff:198.51.100.7", None, "198.51.100.7"),
        (1, "10.0.0.2", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (1, "10.0.0.2", "::ffff:198.51.100.7", "198.51.100.7"),
        (1, "10.0.0.2", None, "10.0.0.2"),
        (1, "10.0.0.2", "203.0.113.9, nonsense", "0.0.0.0"),
        (1, "10.0.0.2", "203.0.113.9, 198.51.100.7:4711", "0.0.0.0"),
        (2, "10.0.0.2", "1.1.1.1, 203.0.113.9, 10.0.0.3", "203.0.113.9"),
        (2, "10.0.0.2", "203.0.113.9", "10.0.0.2"),
    ],
)
def test_client_ip__then_only_what_our_own_proxies_wrote_counts(settings, proxies, remote, header, found):
    settings.TRUSTED_PROXY_COUNT = proxies
    request = RequestFactory().get("/", REMOTE_ADDR=remote, **({"HTTP_X_FORWARDED_FOR": header} if header else {}))
    assert client_ip(request) == found


def test_network_of__then_an_ipv4_address_or_a_64():
    assert network_of("198.51.100.7") == "198.51.100.7"
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::9") == "2001:db8:1:2::"
    assert network_of("2001:db8:1:3::9") != network_of("2001:db8:1:2::9")
