"""The admin's first page: right numbers, each leading to the list it counts, few queries, cached."""

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.core.cache import cache

from accounts.states import Role
from accounts.tests.factories import make_user
from cbt.kernel import clock
from cbt.kernel.models import Job, JobState, MailStatus, OutgoingMail
from cbt.ops.dashboard import DAYS, dashboard_count, dashboard_read
from commerce.models import Payment
from sessions_app.models import ExamSession
from sessions_app.tests.factories import make_bank_test, make_participant, start_session
from tenants.models import Company, CompanySubscription
from tenants.tests.factories import make_company
from tests.support import counted_queries

NOW = "2026-03-15T08:00:00Z"


@pytest.fixture
def staff(client, db):
    client.force_login(make_user(Role.SUPER_ADMIN), backend="accounts.backends.EmailBackend")
    return client


def mail_row(status):
    number = OutgoingMail.objects.count()
    OutgoingMail.objects.create(
        kind="x", recipient="a@example.com", status=status, dedupe_key=str(number), created_at=clock.now()
    )


def job_row(state):
    Job.objects.create(name="x", state=state, run_at=clock.now(), created_at=clock.now())


@pytest.fixture
def busy(db):
    """Two sessions today (one flagged), one banned three days ago, one too old to be shown."""
    company, test = make_company(), make_bank_test()
    make_company(with_subscription=False, is_active=False)
    gone = make_company(with_subscription=False)
    Company.objects.filter(pk=gone.pk).update(is_active=False, deleted_at=clock.now())
    ended = make_company()
    CompanySubscription.objects.filter(company=ended).update(
        started_at=clock.now() - timedelta(days=9), expires_at=clock.now() - timedelta(days=1)
    )
    person = make_participant(company=company)
    started = [start_session(participant=person, test=test).session.pk for _ in range(4)]
    ExamSession.objects.filter(pk=started[1]).update(is_flagged=True)
    ExamSession.objects.filter(pk=started[2]).update(
        started_at=clock.now() - timedelta(days=3), status="banned", banned_at=clock.now()
    )
    ExamSession.objects.filter(pk=started[3]).update(
        started_at=clock.now() - timedelta(days=DAYS), status="completed", completed_at=clock.now()
    )
    for number, (status, proof) in enumerate([("pending", ""), ("pending", "payments/proofs/a.png"), ("failed", "")]):
        Payment.objects.create(
            payment_number=f"PAY-{number}", purpose="invoice", payable_id=number, amount=1, status=status,
            proof_file=proof, created_at=clock.now(), updated_at=clock.now(),
        )  # fmt: skip
    for status in (MailStatus.FAILED, MailStatus.FAILED, MailStatus.QUEUED, MailStatus.SENT):
        mail_row(status)
    for state in (JobState.FAILED, JobState.QUEUED, JobState.RUNNING, JobState.DONE):
        job_row(state)


@pytest.fixture
def at_eight():
    with time_machine.travel(NOW, tick=False):
        yield


def numbers(board):
    return {tile.label: tile.number for tile in (*board.tiles, *board.alerts)}


def test_count__then_each_number_is_right(at_eight, busy):
    board = dashboard_count(clock.now())
    assert numbers(board) == {
        "Sessions in progress": 2, "Sessions started today": 2, "Active companies": 2, "Active subscriptions": 1,
        "Pending payments": 2, "Failed mails": 2, "Failed jobs": 1, "Flagged sessions": 1,
    }  # fmt: skip
    notes = {tile.label: tile.note for tile in (*board.tiles, *board.alerts)}
    assert notes["Active companies"] == "of 3 in all"
    assert notes["Pending payments"] == "1 with proof"
    assert (notes["Failed mails"], notes["Failed jobs"]) == ("1 waiting", "2 waiting")
    assert [bar.total for bar in board.bars] == [0] * 10 + [1, 0, 0, 2]
    assert (board.bars[-1].title, board.bars[-4].title) == ("15 March: 2 in progress", "12 March: 1 banned")
    assert {share.label: share.number for share in board.shares} == {
        "completed": 0, "in progress": 2, "banned": 1, "abandoned": 0,
    }  # fmt: skip
    assert board.session_count == 3
    assert board.is_quiet is False


def test_count__then_bars_are_stacked_from_the_bottom_to_the_highest_day(at_eight, busy):
    board = dashboard_count(clock.now())
    for bar in board.bars:
        assert all(0 <= block.y <= board.bottom for block in bar.blocks)
        if bar.blocks:
            assert bar.blocks[0].y + bar.blocks[0].height == board.bottom
    assert (board.bars[-1].blocks[0].height, board.bars[-4].blocks[0].height) == (100, 50)


def test_links__then_each_opens_the_list_it_counts(at_eight, busy, staff):
    board = dashboard_count(clock.now())
    counted = [(tile.link, tile.number) for tile in (*board.tiles, *board.alerts)]
    counted += [(bar.link, bar.total) for bar in board.bars]
    counted += [(share.link, share.number) for share in board.shares]
    for link, number in counted:
        page = staff.get(link)
        assert page.status_code == 200, link
        assert page.context["cl"].result_count == number, link


def test_page__when_busy__then_shows_numbers_and_links(at_eight, busy, staff):
    page = staff.get("/admin/").content.decode()
    assert "Look at these" in page
    for tile in (*dashboard_read().tiles, *dashboard_read().alerts):
        shown = re.search(rf'href="([^"]+)"><b>{tile.number}</b><span>{tile.label}</span>', page)
        assert shown is not None, tile
        assert unescape(shown[1]) == tile.link
    assert page.count('<rect class="hit"') == DAYS
    assert "https://" not in re.sub(r"<title>.*?</title>", "", page)  # nothing is fetched from elsewhere


def test_page__when_nothing_is_there__then_calm(staff):
    page = staff.get("/admin/").content.decode()
    assert "Nothing waits for you" in page
    assert 'class="ops-tile wants"' not in page
    assert numbers(dashboard_read())["Sessions in progress"] == 0


def test_count__when_rows_grow__then_queries_do_not(at_eight, busy):
    def queries():
        with counted_queries() as statements:
            dashboard_count(clock.now())
        return len(statements)

    before = queries()
    assert before <= 7
    for _ in range(10):
        mail_row(MailStatus.FAILED)
        start_session()
    assert queries() == before


def test_read__when_asked_twice_within_30_seconds__then_counted_once(db):
    with time_machine.travel(NOW, tick=False):
        dashboard_read()
        mail_row(MailStatus.FAILED)
        with counted_queries() as statements:
            assert numbers(dashboard_read())["Failed mails"] == 0
        assert statements == []
    cache.clear()
    assert numbers(dashboard_read())["Failed mails"] == 1


def test_read__when_the_cache_is_away__then_counted(db, monkeypatch):
    def away(*args, **kwargs):
        raise ConnectionError("away")

    monkeypatch.setattr("cbt.ops.dashboard.cache.get", away)
    assert numbers(dashboard_read())["Failed mails"] == 0
