"""Search indexes: there on PostgreSQL, there and back; without the extension the migration goes on and says so."""

import logging

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection

from cbt.kernel.trigrams import trigram_indexes
from sessions_app.models import Participant

SEARCHED = [
    ("accounts", "user", "name"), ("accounts", "user", "email"), ("catalog", "test", "name"),
    ("catalog", "test", "code"), ("catalog", "test", "description"), ("catalog", "testcategory", "name"),
    ("catalog", "testcategory", "description"), ("tenants", "company", "name"), ("tenants", "company", "email"),
    ("tenants", "company", "phone"), ("tenants", "subscriptionplan", "name"),
    ("tenants", "subscriptionplan", "description"), ("sessions_app", "participant", "name"),
    ("sessions_app", "participant", "email"),
]  # fmt: skip
on_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="needs PostgreSQL")


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%%gin_trgm_ops%%'")
        return {name for (name,) in cursor.fetchall()}


def run(way: str) -> None:
    operation = trigram_indexes("sessions_app", "participant", "name", "email")
    with connection.schema_editor() as editor:
        {"forwards": operation.code, "backwards": operation.reverse_code}[way](apps, editor)


@on_postgresql
@pytest.mark.django_db
def test_search_indexes__when_migrated__then_one_for_each_searched_column():
    assert indexes() == {f"{app}_{model}_{column}_search" for app, model, column in SEARCHED}


@on_postgresql
@pytest.mark.django_db
def test_search__when_planned__then_the_index_answers():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = Participant.objects.filter(name__icontains="zamrud").order_by().explain()
    assert "sessions_app_participant_name_search" in plan


@on_postgresql
@pytest.mark.django_db
def test_search_indexes__when_back_and_forth__then_gone_and_there_again():
    own = {"sessions_app_participant_name_search", "sessions_app_participant_email_search"}
    run("backwards")
    assert not own & indexes()
    run("forwards")
    run("forwards")
    assert own <= indexes()


@on_postgresql
@pytest.mark.django_db
def test_search_indexes__when_the_extension_may_not_be_made__then_said_and_gone_on(caplog):
    run("backwards")
    before = indexes()

    def refuse(execute, sql, params, many, context):
        if sql.startswith("CREATE EXTENSION"):
            raise ProgrammingError('permission denied to create extension "pg_trgm"')
        return execute(sql, params, many, context)

    with caplog.at_level(logging.WARNING, logger="cbt.migrations"), connection.execute_wrapper(refuse):
        run("forwards")
    assert indexes() == before
    assert "CREATE EXTENSION pg_trgm" in caplog.text
    assert "migrate sessions_app back" in caplog.text


@pytest.mark.skipif("connection.vendor == 'postgresql'", reason="what SQLite does")
@pytest.mark.django_db
def test_search_indexes__when_not_postgresql__then_nothing_is_sent(django_assert_num_queries):
    operation = trigram_indexes("sessions_app", "participant", "name")
    with django_assert_num_queries(0):
        operation.code(apps, connection.schema_editor())
        operation.reverse_code(apps, connection.schema_editor())
