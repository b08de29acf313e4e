"""Orders to look at, payments to decide."""

import pytest

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.tests.factories import make_offer, png_bytes
from cbt.kernel.models import AuditEvent
from commerce.models import Payment, Purchase
from commerce.tests.factories import PDF, decide, make_order, payment_of, prove
from tests.support import counted_queries

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
PAYMENTS = "/admin/commerce/payment/"
ORDERS = "/admin/commerce/publictransaction/"


@pytest.fixture
def staff(client):
    user = make_user(Role.SUPER_ADMIN)
    client.force_login(user)
    client.user = user
    return client


def page(staff, address, **params):
    response = staff.get(address, params)
    assert response.status_code == 200
    return response.content.decode()


def press(staff, payment, decision, **fields):
    payment.refresh_from_db()
    form = {"decision": decision, "notes": "", "seen_proof": payment.proof_file, **fields}
    response = staff.post(f"{PAYMENTS}{payment.pk}/decide/", form, follow=True)
    assert response.status_code == 200
    payment.refresh_from_db()
    return response.content.decode()


def test_payment__when_a_picture__then_shown_beside_the_buttons(staff):
    payment = prove(make_order(), png_bytes(), "a.png")
    text = page(staff, f"{PAYMENTS}{payment.pk}/change/")
    assert f'<img src="/storage/{payment.proof_file}?signature=' in text
    for part in ('value="approve"', 'value="reject"', payment.payment_number, payment.user.email):
        assert part in text


def test_payment__when_a_pdf__then_a_link(staff):
    payment = prove(make_order(), PDF)
    text = page(staff, f"{PAYMENTS}{payment.pk}/change/")
    assert f'<a href="/storage/{payment.proof_file}?signature=' in text
    assert "<img src=" not in text


def test_payment__when_there_is_no_proof__then_approving_is_off(staff):
    payment = payment_of(make_order())
    text = page(staff, f"{PAYMENTS}{payment.pk}/change/")
    assert "No proof has been uploaded yet." in text
    assert "disabled" in text
    assert "Payment proof has not been uploaded yet." in press(staff, payment, "approve")
    assert payment.status == "pending"


def test_approve__then_decided_by_this_person(staff):
    order = make_order()
    payment = prove(order)
    text = press(staff, payment, "approve", notes="ok")
    assert "The payment was approved." in text
    assert 'value="approve"' not in text
    assert (payment.status, payment.decided_by_id, payment.verifier_notes) == ("paid", staff.user.pk, "ok")
    assert Purchase.objects.filter(user=order.user).count() == 1
    assert AuditEvent.objects.get(action="commerce.payment.decided").actor_id == staff.user.pk


def test_reject__then_failed_and_a_second_press_is_told(staff):
    payment = prove(make_order())
    assert "The payment was rejected." in press(staff, payment, "reject", notes="too dark")
    assert "Payment is not pending. Current status: failed" in press(staff, payment, "approve")
    assert payment.status == "failed"


def test_approve__when_another_proof_came_meanwhile__then_refused(staff):
    order = make_order()
    seen = prove(order).proof_file
    prove(order, png_bytes(), "b.png")
    text = press(staff, payment_of(order), "approve", seen_proof=seen)
    assert "The payment proof has changed since it was shown." in text
    assert Payment.objects.get().status == "pending"


@pytest.mark.parametrize("form", [{}, {"decision": "maybe"}, {"decision": "reject", "notes": "x" * 1001}])
def test_decide__when_the_form_is_bad__then_nothing(staff, form):
    payment = prove(make_order())
    assert staff.post(f"{PAYMENTS}{payment.pk}/decide/", form).status_code == 302
    payment.refresh_from_db()
    assert payment.status == "pending"


def test_decide__when_not_staff_or_not_posted__then_refused(client, staff):
    payment = prove(make_order())
    assert staff.get(f"{PAYMENTS}{payment.pk}/decide/").status_code == 405
    client.force_login(make_user(Role.TENANT_ADMIN))
    assert client.post(f"{PAYMENTS}{payment.pk}/decide/", {"decision": "approve"}).status_code == 302
    payment.refresh_from_db()
    assert payment.status == "pending"


def test_decide__when_forged__then_403():
    from django.test import Client

    payment = prove(make_order())
    forger = Client(enforce_csrf_checks=True)
    forger.force_login(make_user(Role.SUPER_ADMIN))
    assert forger.post(f"{PAYMENTS}{payment.pk}/decide/", {"decision": "approve"}).status_code == 403


@pytest.mark.parametrize("address", [PAYMENTS, ORDERS])
def test_rows__then_nobody_adds_changes_or_deletes_them(staff, address):
    order = make_order()
    pk = payment_of(order).pk if address == PAYMENTS else order.pk
    assert staff.get(f"{address}add/").status_code == 403
    assert staff.post(f"{address}{pk}/change/", {"status": "paid", "amount": "0"}).status_code == 403
    assert staff.post(f"{address}{pk}/delete/", {"post": "yes"}).status_code == 403
    assert staff.get(f"{address}987654321/change/").status_code == 302


def test_lists__then_searched_and_filtered(staff):
    budi = make_order(make_user(email="budi@example.com"), make_offer(name="Kraepelin"))
    siti = make_order(make_user(email="siti@example.com"))
    decide(prove(siti))
    numbers = payment_of(budi).payment_number, payment_of(siti).payment_number
    for params, found in (
        ({"q": "budi"}, (True, False)),
        ({"q": siti.transaction_number}, (False, True)),
        ({"q": numbers[0]}, (True, False)),
        ({"status__exact": "paid"}, (False, True)),
        ({"proof": "no"}, (True, False)),
        ({"proof": "yes"}, (False, True)),
        ({"purpose__exact": "invoice"}, (False, False)),
    ):
        text = page(staff, PAYMENTS, **params)
        assert tuple(number in text for number in numbers) == found, params
    for params, found in (
        ({"q": "budi"}, (True, False)),
        ({"q": "kraepelin"}, (True, False)),
        ({"status__exact": "completed"}, (False, True)),
    ):
        text = page(staff, ORDERS, **params)
        assert tuple(order.transaction_number in text for order in (budi, siti)) == found, params


def test_order__then_items_and_payments_on_its_page(staff):
    order = make_order(make_user(), make_offer(name="Kraepelin", price=12345))
    decide(payment_of(order), approved=False)
    prove(order)
    text = page(staff, f"{ORDERS}{order.pk}/change/")
    assert "Kraepelin" in text
    assert "12345.00" in text
    for payment in Payment.objects.all():
        assert f'<a href="{PAYMENTS}{payment.pk}/change/">{payment.payment_number}</a> ({payment.status})' in text


def test_lists__then_as_many_queries_for_20_as_for_2(staff):
    counts = {PAYMENTS: [], ORDERS: []}
    for size in (2, 18):
        for _ in range(size):
            prove(make_order())
        for address, found in counts.items():
            with counted_queries() as statements:
                page(staff, address)
            found.append(len(statements))
    for found in counts.values():
        assert found[0] == found[1]
