"""POST transactions/{id}/payment/upload-proof, with files nobody should send. Contract 2.6; details W-28, W-44."""

import io
import zlib
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.tests.factories import make_offer, png_bytes
from cbt.kernel import clock, storage
from cbt.kernel.errors import DomainError
from cbt.kernel.models import AuditEvent
from commerce.models import Payment, PublicTransaction
from commerce.services import payments
from commerce.services.proofs import FOLDER, PROOF_MAX_BYTES, proof_remove, proofs_sweep
from commerce.tests.factories import PDF, decide, fill_cart, make_order, make_purchase, payment_of, proof_file, prove
from commerce.tests.shapes import PAYMENT_KEYS
from tests.support import data_of, error_of, run_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
WRONG_TYPE = "The proof file must be a file of type: jpg, jpeg, png, pdf."
MESSAGE = "Payment proof uploaded successfully. Waiting for verification."


@pytest.fixture
def buyer():
    return make_user()


@pytest.fixture
def shop(api, buyer):
    return api.as_(buyer)


@pytest.fixture
def order(buyer):
    return make_order(buyer)


def path_of(order):
    return f"/api/transactions/{order.pk}/payment/upload-proof"


def send(shop, order, data=None, name="proof.png", **fields):
    return shop.upload(path_of(order), {"proof_file": proof_file(data, name), **fields})


def files(media):
    return sorted(path.name for path in Path(media).glob(f"{FOLDER}/*"))


def test_upload__then_contract_answer_and_still_pending(shop, order, media):
    response = send(shop, order, transaction_id=str(order.pk), notes="Payment proof")
    data = data_of(response)
    assert response.json()["message"] == MESSAGE
    assert set(data) == PAYMENT_KEYS
    payment = Payment.objects.get()
    assert (data["id"], data["status"], data["notes"], data["amount"]) == (
        payment.pk,
        "pending",
        "Payment proof",
        50000,
    )
    assert data["proof_file"].startswith(f"http://testserver/storage/{FOLDER}/")
    assert payment.proof_file.removeprefix(f"{FOLDER}/") in files(media)
    assert payment.proof_uploaded_at is not None
    assert PublicTransaction.objects.get().status == "pending"
    assert AuditEvent.objects.filter(action="commerce.payment.proof_uploaded").count() == 1
    shown = shop.client.get(data["proof_file"].removeprefix("http://testserver"))
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/png")
    assert Image.open(io.BytesIO(b"".join(shown.streaming_content))).size == (4, 4)


def test_upload__when_the_address_is_changed__then_not_found(shop, order):
    address = data_of(send(shop, order))["proof_file"].removeprefix("http://testserver")
    bare, _, signature = address.partition("?")
    assert shop.client.get(bare).status_code == 404
    assert shop.client.get(f"{bare}?{signature}x").status_code == 404


def test_upload__when_pdf__then_stored_as_it_is_and_served_as_a_download(shop, order):
    data = data_of(send(shop, order, PDF, "Bukti Transfer.PDF"))
    assert storage.read(Payment.objects.get().proof_file) == PDF
    shown = shop.client.get(data["proof_file"].removeprefix("http://testserver"))
    assert shown["Content-Type"] == "application/octet-stream"
    assert shown["Content-Disposition"].startswith("attachment")
    assert shown["X-Content-Type-Options"] == "nosniff"
    shown.close()


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.png", "blob", ".jpg", "../../etc/a.png", "a.pdf"])
def test_upload__when_the_content_is_a_picture__then_name_and_ending_do_not_matter(shop, order, name, media):
    data_of(send(shop, order, png_bytes(), name))
    assert len(files(media)) == 1
    assert len(files(media)[0]) == 36
    assert files(media)[0].endswith(".png")


def test_upload__when_a_picture_carries_more__then_only_what_can_be_seen_is_kept(shop, order):
    buffer = io.BytesIO()
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "<script>secret</script>")
    Image.new("RGB", (4, 4)).save(buffer, "PNG", pnginfo=info)
    data_of(send(shop, order, buffer.getvalue() + b"<?php secret ?>"))
    assert b"secret" not in storage.read(Payment.objects.get().proof_file)


def bomb(side):
    """A small PNG whose header promises side x side pixels."""
    raw = png_bytes()
    header = b"IHDR" + side.to_bytes(4, "big") * 2 + raw[24:29]
    return raw[:12] + header + zlib.crc32(header).to_bytes(4, "big") + raw[33:]


HOSTILE = {
    "html": (b"<html><script>alert(1)</script></html>", "proof.png"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "proof.svg"),
    "gif": (b"GIF89a" + b"\0" * 100, "proof.png"),
    "php": (b"<?php system($_GET[0]); ?>", "proof.php"),
    "wrong ending": (png_bytes(), "proof.php"),
    "double ending": (png_bytes(), "proof.png.html"),
    "truncated": (png_bytes()[:40], "proof.png"),
    "pdf without end": (b"%PDF-1.4\n", "proof.pdf"),
    "pdf behind html": (b"<html>" + PDF, "proof.pdf"),
    "zip": (b"PK\x03\x04" + b"\0" * 50, "proof.pdf"),
    "bmp": (png_bytes(kind="BMP"), "proof.png"),
    "webp": (png_bytes(kind="WEBP"), "proof.png"),
    "nothing": (b"", "proof.png"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_upload__when_hostile__then_422_and_nothing_stored(shop, order, kind, media):
    error = error_of(send(shop, order, *HOSTILE[kind]), 422, "VALIDATION_ERROR")
    assert error["errors"] == {"proof_file": [WRONG_TYPE]}
    assert error["message"] == "The given data was invalid."
    assert Payment.objects.get().proof_file == ""
    assert files(media) == []


@pytest.mark.parametrize(("side", "text"), [(5000, "The proof file has too many pixels."), (30000, WRONG_TYPE)])
def test_upload__when_a_bomb__then_422_before_decoding(shop, order, side, text):
    error = error_of(send(shop, order, bomb(side)), 422, "VALIDATION_ERROR")
    assert error["errors"] == {"proof_file": [text]}


def test_upload__when_too_large__then_422_at_one_byte_more(shop, order):
    padding = b"0" * (PROOF_MAX_BYTES - len(PDF))
    full = PDF[:9] + padding + PDF[9:]
    assert len(full) == PROOF_MAX_BYTES
    data_of(send(shop, order, full, "a.pdf"))
    error = error_of(send(shop, order, full[:9] + b"0" + full[9:], "a.pdf"), 422, "VALIDATION_ERROR")
    assert error["errors"] == {"proof_file": ["The proof file must not be greater than 5120 kilobytes."]}


def test_upload__when_far_too_large__then_413(shop, order):
    error_of(send(shop, order, b"0" * (4 * PROOF_MAX_BYTES + 1)), 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("fields", [{}, {"proof_file": "not a file"}, {"proof_file": ""}])
def test_upload__when_there_is_no_file__then_422(shop, order, fields):
    error = error_of(shop.upload(path_of(order), fields), 422, "VALIDATION_ERROR")
    assert error["errors"] == {"proof_file": ["The proof file field is required."]}


def test_upload__when_json__then_422(shop, order):
    error = error_of(shop.post(path_of(order), {"proof_file": "x"}), 422, "VALIDATION_ERROR")
    assert set(error["errors"]) == {"proof_file"}


@pytest.mark.parametrize("offset", [1, -1])
def test_upload__when_the_body_names_another_transaction__then_422_and_the_path_decides(shop, buyer, order, offset):
    other = make_order(buyer)
    error = error_of(send(shop, order, transaction_id=str(other.pk)), 422, "VALIDATION_ERROR")
    assert set(error["errors"]) == {"transaction_id"}
    error_of(send(shop, order, transaction_id=str(order.pk + offset * 1000)), 422, "VALIDATION_ERROR")
    error_of(send(shop, order, transaction_id="abc"), 422, "VALIDATION_ERROR")
    assert set(Payment.objects.values_list("proof_file", flat=True)) == {""}


def test_upload__when_transaction_id_is_empty__then_the_path_decides(shop, order):
    data_of(send(shop, order, transaction_id=""))


def test_upload__when_notes_are_too_long__then_422(shop, order):
    data_of(send(shop, order, notes="x" * 1000))
    error = error_of(send(shop, order, notes="x" * 1001), 422, "VALIDATION_ERROR")
    assert error["errors"] == {"notes": ["The notes must not be greater than 1000 characters."]}


def test_upload__when_another_users__then_404_like_nothing(api, shop, order, media):
    stranger = api.as_(make_user())
    seen = []
    for client, number in ((stranger, order.pk), (shop, 987654321)):
        response = client.upload(f"/api/transactions/{number}/payment/upload-proof", {"proof_file": proof_file()})
        error = error_of(response, 404, "NOT_FOUND")
        seen.append((error["message"], error["details"]))
    assert seen == [("Payment not found", {})] * 2
    assert files(media) == []


def test_upload__when_replaced__then_the_old_file_goes_and_notes_stay_unless_given(shop, order, media):
    data_of(send(shop, order, notes="first"))
    old = Payment.objects.get().proof_file
    data = data_of(send(shop, order, PDF, "a.pdf"))
    assert data["notes"] == "first"
    assert len(files(media)) == 2
    run_jobs()
    assert files(media) == [Payment.objects.get().proof_file.removeprefix(f"{FOLDER}/")]
    assert Payment.objects.get().proof_file != old
    assert data_of(send(shop, order, notes="second"))["notes"] == "second"
    assert Payment.objects.count() == 1


def test_upload__when_paid__then_400(shop, order):
    decide(prove(order))
    error = error_of(send(shop, order), 400, "BUSINESS_RULE")
    assert error["message"] == "Payment is not pending. Current status: paid"


def test_upload__when_cancelled__then_400(shop, order):
    assert payments.payments_cancel(purpose="transaction", payable_id=order.pk, now=clock.now()) == 1
    error = error_of(send(shop, order), 400, "BUSINESS_RULE")
    assert error["message"] == "Payment is not pending. Current status: cancelled"


def test_upload__when_rejected_before__then_a_new_payment_and_the_order_waits_again_and_can_be_approved(shop, order):
    first = prove(order)
    decide(first, approved=False, notes="unreadable")
    assert data_of(shop.get(f"/api/transactions/{order.pk}"))["status"] == "failed"
    data = data_of(send(shop, order, notes="better"))
    assert data["id"] != first.pk
    assert (data["status"], data["amount"], data["notes"]) == ("pending", 50000.0, "better")
    shown = data_of(shop.get(f"/api/transactions/{order.pk}"))
    assert (shown["status"], shown["payment"]["id"]) == ("pending", data["id"])
    first.refresh_from_db()
    assert (first.status, first.verifier_notes) == ("failed", "unreadable")
    assert first.proof_file  # the rejected proof stays with the rejected payment
    decide(payment_of(order))
    assert data_of(shop.get(f"/api/transactions/{order.pk}"))["status"] == "completed"
    assert data_of(shop.get("/api/transactions/purchased-tests"))["total"] == 1
    assert Payment.objects.count() == 2


def test_upload__when_rejected_and_bought_otherwise__then_400_and_nothing_changes(shop, buyer, order, media):
    decide(payment_of(order), approved=False)
    test = order.items.get().test
    make_purchase(buyer, test)
    error = error_of(send(shop, order), 400, "BUSINESS_RULE")
    assert error["message"] == f"Some tests are already purchased: {test.name}"
    order.refresh_from_db()
    assert (order.status, Payment.objects.count(), files(media)) == ("failed", 1, [])


def test_upload__when_rejected_and_ordered_anew__then_400(shop, buyer, order):
    decide(payment_of(order), approved=False)
    test = order.items.get().test
    make_order(buyer, test)
    error = error_of(send(shop, order), 400, "BUSINESS_RULE")
    assert error["message"] == f"Some tests are already in a pending transaction: {test.name}"
    assert Payment.objects.filter(payable_id=order.pk).count() == 1


def test_upload__when_storing_the_row_fails__then_the_file_is_removed(shop, order, media, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("no")

    monkeypatch.setattr(payments.audit, "record", broken)
    error_of(send(shop, order), 500, "SERVER_ERROR")
    assert files(media) == []


def test_service__when_the_actor_may_not_see_it__then_not_found(order):
    for role in (Role.TENANT_ADMIN, Role.PUBLIC_USER):
        with pytest.raises(DomainError) as caught:
            payments.payment_proof_upload(
                payment_id=payment_of(order).pk, data=PDF, filename="a.pdf", notes=None,
                actor=_actor(make_user(role)), now=clock.now(),
            )  # fmt: skip
        assert caught.value.message == "Payment not found"


def _actor(user):
    from accounts.selectors.users import actor_of_user

    return actor_of_user(user)


def test_service__when_an_old_payment_is_named__then_the_newest_counts(buyer, order):
    first = prove(order)
    decide(first, approved=False)
    second = prove(order)
    third = payments.payment_proof_upload(
        payment_id=first.pk, data=PDF, filename="a.pdf", notes="again", actor=_actor(buyer), now=clock.now()
    )
    assert third.pk == second.pk
    assert Payment.objects.count() == 2


def test_remove__when_a_payment_refers_to_it__then_kept(order, media):
    payment = prove(order)
    assert proof_remove(name=payment.proof_file) is False
    assert proof_remove(name="../secret.key") is False
    assert len(files(media)) == 1


def test_sweep__then_only_old_files_nobody_refers_to(order, media):
    prove(order)
    storage.save(FOLDER, b"left behind", "pdf")
    assert proofs_sweep(now=clock.now()) == 0
    assert proofs_sweep(now=clock.now() + timedelta(days=2)) == 1
    assert files(media) == [Payment.objects.get().proof_file.removeprefix(f"{FOLDER}/")]


def test_sweep__when_nothing_was_ever_stored__then_nothing(media):
    assert proofs_sweep(now=clock.now()) == 0


def test_my_tests__when_not_yet_approved__then_not_there(shop, buyer, order):
    prove(order)
    assert data_of(shop.get("/api/my-tests")) == []
    fill_cart(buyer, make_offer())
    decide(payment_of(order))
    assert [row["id"] for row in data_of(shop.get("/api/my-tests"))] == [order.items.get().test_id]
