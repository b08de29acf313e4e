"""The contract's four workflows through HTTP against the started server, following the links of mails it sent."""

import email
import email.policy
import io
import json
import re
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from openpyxl import Workbook

from commerce.tests.factories import png_bytes
from tests.processes import manage
from tests.server_process import ServerProcess, free_port

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]
PASSWORD = "password123"
STAFF = {"email": "staff@house.example", "password": "StaffPass123!"}
DEADLINE = 40.0  # seconds for a mail on a busy machine


class Sink:
    """Takes every mail; whoever waits for one is woken when it comes."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.changed = threading.Condition()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        with self.changed:
            self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))  # type: ignore[arg-type]
            self.changed.notify_all()
        return "250 OK"

    def wait(self, to: str, subject: str, count: int = 1) -> list[EmailMessage]:
        """Return the mails to an address whose subject begins so, once there are ``count``."""
        end = time.monotonic() + DEADLINE
        with self.changed:
            while True:
                found = [mail for mail in self.mails if mail["To"] == to and str(mail["Subject"]).startswith(subject)]
                if len(found) >= count:
                    assert len(found) == count
                    return found
                left = end - time.monotonic()
                assert left > 0, [(mail["To"], mail["Subject"]) for mail in self.mails]
                self.changed.wait(left)


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return part.get_content()


def link(mail: EmailMessage, pattern: str) -> str:
    found = re.search(pattern, text_of(mail))
    assert found, text_of(mail)
    return found[1]


class Client:
    """One person's browser: JSON and forms, with the bearer token of the login."""

    def __init__(self, server: ServerProcess, token: str = "") -> None:
        self.server = server
        self.token = token

    def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """Send JSON, assert the status and the envelope, return the data."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        found, answer, _ = self.server.call(method, path, body, headers)
        assert (found, answer.get("success"), answer.get("status_code")) == (status, status < 400, status), answer
        return answer["data"] if status < 400 else answer

    def send(self, path: str, fields: dict[str, str], file: tuple[str, str, bytes], status: int = 200) -> Any:
        """Send a form with one file."""
        mark = uuid.uuid4().hex
        parts = [
            f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        head = f'--{mark}\r\nContent-Disposition: form-data; name="{file[0]}"; filename="{file[1]}"\r\n'
        body = b"".join(parts) + head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + file[2]
        body += f"\r\n--{mark}--\r\n".encode()
        auth = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        request = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{auth}"
            f"Content-Type: multipart/form-data; boundary={mark}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        answer = self.server.raw(request.encode() + body, timeout_seconds=30)
        line, _, rest = answer.partition(b"\r\n")
        content = json.loads(rest.partition(b"\r\n\r\n")[2])
        assert (int(line.split()[1]), content["success"]) == (status, True), content
        return content["data"]

    def login(self, address: str, password: str = PASSWORD) -> "Client":
        body = {"email": address, "password": password}
        return Client(self.server, self.ask("POST", "/api/auth/login", body)["token"])


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=free_port())
    controller.start()
    sink.port = controller.port  # type: ignore[attr-defined]
    yield sink
    controller.stop()


@pytest.fixture(scope="module")
def server(sink: Sink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("workflows")
    running = ServerProcess(folder, EMAIL_URL=f"smtp://127.0.0.1:{sink.port}")  # type: ignore[attr-defined]
    manage(running.env, "migrate", "-v0")
    manage(running.env, "seed")
    secret = {**running.env, "SUPER_ADMIN_PASSWORD": STAFF["password"]}
    manage(secret, "create_super_admin", "--email", STAFF["email"])
    with running:
        yield running


@pytest.fixture(scope="module")
def staff(server: ServerProcess) -> Client:
    return Client(server).login(STAFF["email"], STAFF["password"])


@pytest.fixture(scope="module")
def tests(staff: Client) -> list[dict[str, Any]]:
    """Two tests without a bank, for everybody."""
    return [
        staff.ask("POST", "/api/tests", {
            "name": f"Tes {word}", "code": f"WF-{word}", "price": price, "question_count": 2,
            "duration_minutes": 30, "type": "all", "description": f"Uraian {word}",
        }, 201)
        for word, price in (("Satu", 50000), ("Dua", 75000.5))
    ]  # fmt: skip


def sit(client: Client, session: str, test: dict[str, Any]) -> None:
    """Steps 12 and 13 of workflow 1, 7 and 8 of workflow 2."""
    path = f"/api/test-session/{session}"
    answers = {"question_1": "a", "question_2": ["x", "y"], "question_4": {"text": "panjang"}}
    saved = client.ask("POST", f"{path}/save-answers", {"answers": answers})
    assert {row["question_id"]: row["answer"] for row in saved["answers"]} == answers
    photo = client.send(f"{path}/photo/capture", {}, ("photo", "a.png", png_bytes()))["photo"]
    assert [row["id"] for row in client.ask("GET", f"{path}/photos")] == [photo["id"]]
    report = {"detection_type": "tab_switch", "detection_data": {"details": "x"}, "severity": 2}
    seen = client.ask("POST", f"{path}/cheat/log", report)
    assert (seen["detection"]["type"], seen["detection"]["severity"], seen["session_status"]) == (
        "tab_switch", 2, "in_progress",
    )  # fmt: skip
    assert client.ask("POST", f"{path}/update-time")["time_spent_seconds"] < 120
    shown = client.ask("GET", path)
    assert (shown["status"], shown["completed_at"], shown["test"]["id"]) == ("in_progress", None, test["id"])
    assert {row["question_id"]: row["answer"] for row in shown["answers"]} == answers
    done = client.ask("POST", f"{path}/submit")
    assert (done["status"], done["session_token"], done["completed_at"] is not None) == ("completed", session, True)
    assert client.ask("POST", f"{path}/submit")["completed_at"] == done["completed_at"]


def verify(staff: Client, payment: int, amount: float, *, approved: bool = True) -> dict[str, Any]:
    """Workflow 4 up to the decision."""
    pending = staff.ask("GET", "/api/payments/pending?per_page=100")["data"]
    assert [row["amount"] for row in pending if row["id"] == payment] == [amount]
    shown = staff.ask("GET", f"/api/payments/{payment}/verify")
    assert (shown["status"], shown["amount"], bool(shown["proof_file"])) == ("pending", amount, True)
    body = {"payment_id": payment, "approved": approved, "notes": "Payment checked"}
    decided = staff.ask("POST", "/api/payments/verify", body)
    assert (decided["id"], decided["status"]) == (payment, "paid" if approved else "failed")
    again = staff.ask("POST", "/api/payments/verify", body, 400)
    assert again["error_code"] == "BUSINESS_RULE"
    ids = {row["id"] for row in staff.ask("GET", "/api/payments/pending?per_page=100")["data"]}
    assert payment not in ids
    return decided


def test_workflow_1_and_4__buyer_registers_buys_is_rejected_pays_and_takes_the_test(server, sink, staff, tests):
    address = "buyer@workflow.example"
    anyone = Client(server)
    person = {"name": "Budi", "email": address, "password": PASSWORD, "password_confirmation": PASSWORD}
    made = anyone.ask("POST", "/api/auth/register", person, 201)
    assert (made["user"]["email"], made["user"]["email_verified_at"], made["user"]["roles"]) == (
        address, None, ["public_user"],
    )  # fmt: skip
    (mail,) = sink.wait(address, "Verifikasi")
    token = link(mail, r"/verify-email\?token=([^\s&]+)")
    anyone.ask("POST", "/api/auth/verify-email", {"token": token})
    buyer = anyone.login(address)
    listed = anyone.ask("GET", "/api/tests/catalog?search=WF-")
    shelf = [(row["name"], row["price"]) for row in listed["data"]]
    assert shelf == [("Tes Dua", 75000.5), ("Tes Satu", 50000.0)]
    for test in tests:
        cart = buyer.ask("POST", "/api/cart/add", {"test_id": test["id"]})
    assert cart["summary"] == {"item_count": 2, "total": 125000.5}
    checked = buyer.ask("GET", "/api/checkout/verify")
    assert (checked["valid"], checked["item_count"], checked["total"]) == (True, 2, 125000.5)
    order = buyer.ask("POST", "/api/checkout", status=201)
    assert (order["status"], order["total_amount"], len(order["items"])) == ("pending", 125000.5, 2)
    assert (order["payment"]["status"], order["payment"]["amount"]) == ("pending", 125000.5)
    sink.wait(address, "Konfirmasi Pesanan")
    proof = ("proof_file", "bukti.png", png_bytes())
    path = f"/api/transactions/{order['id']}/payment/upload-proof"
    fields = {"transaction_id": str(order["id"]), "notes": "Transfer"}
    first = buyer.send(path, fields, proof)
    assert (first["id"], first["status"], first["notes"]) == (order["payment"]["id"], "pending", "Transfer")
    verify(staff, first["id"], 125000.5, approved=False)
    (mail,) = sink.wait(address, "Pembayaran Ditolak")
    assert "Payment checked" in text_of(mail)
    assert buyer.ask("GET", "/api/my-tests") == []
    assert buyer.ask("GET", f"/api/transactions/{order['id']}")["status"] == "failed"
    second = buyer.send(path, fields, proof)
    assert (second["id"] != first["id"], second["amount"]) == (True, 125000.5)
    verify(staff, second["id"], 125000.5)
    (mail,) = sink.wait(address, "Pembayaran Diverifikasi")
    assert "Rp 125.000,50" in text_of(mail)
    done = buyer.ask("GET", f"/api/transactions/{order['id']}")
    assert (done["status"], done["payment"]["status"]) == ("completed", "paid")
    mine = buyer.ask("GET", "/api/my-tests")
    assert sorted((row["id"], row["is_completed"]) for row in mine) == [(test["id"], False) for test in tests]
    test = tests[0]
    told = buyer.ask("GET", f"/api/my-tests/{test['id']}/instructions")
    assert (told["test"]["name"], told["user"], told["is_completed"]) == (
        "Tes Satu", {"name": "Budi", "email": address}, False,
    )  # fmt: skip
    started = buyer.ask("POST", f"/api/my-tests/{test['id']}/start")["session"]
    again = buyer.ask("POST", f"/api/my-tests/{test['id']}/start")["session"]
    assert again["session_token"] == started["session_token"]
    sit(Client(server), started["session_token"], test)
    mine = {row["id"]: row["is_completed"] for row in buyer.ask("GET", "/api/my-tests")}
    assert mine == {tests[0]["id"]: True, tests[1]["id"]: False}
    assert len(sink.wait(address, "Pembayaran", 2)) == 2  # each decision was mailed once


def sheet(*rows: tuple[str, str]) -> bytes:
    book = Workbook()
    page = book.active
    assert page is not None
    for row in (("Name", "Email"), *rows):
        page.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def tenant(server: ServerProcess, sink: Sink, staff: Client) -> Client:
    """A company that has registered, bought the smallest plan, paid and been verified (workflow 4)."""
    address = "admin@company.example"
    anyone = Client(server)
    anyone.ask("POST", "/api/auth/register-company", {
        "company_name": "PT Alur", "company_email": "office@company.example", "company_phone": "0812",
        "company_address": "Jl. Alur 1", "name": "Ani", "email": address, "password": PASSWORD,
        "password_confirmation": PASSWORD,
    }, 201)  # fmt: skip
    (mail,) = sink.wait(address, "Verifikasi")
    anyone.ask("POST", "/api/auth/verify-email", {"token": link(mail, r"/verify-email\?token=([^\s&]+)")})
    admin = anyone.login(address)
    refused = admin.ask("GET", "/api/participants", status=403)
    assert refused["message"] == "No active subscription found"
    plan = next(row for row in admin.ask("GET", "/api/subscriptions/available-plans") if row["duration_months"] == 3)
    price = next(row for row in plan["prices"] if row["user_quota"] == 5)
    bought = admin.ask("POST", "/api/subscriptions/purchase", {
        "subscription_plan_id": plan["id"], "subscription_price_id": price["id"], "payment_type": "pre_paid",
    }, 201)  # fmt: skip
    (payment,) = admin.ask("GET", "/api/payments")["data"]
    assert (payment["amount"], payment["status"]) == (500000.0, "pending")
    assert bought is not None
    admin.ask("GET", "/api/subscriptions/active", status=404)
    proof = ("proof_file", "bukti.png", png_bytes())
    admin.send("/api/payments/upload-proof", {"payment_id": str(payment["id"])}, proof)
    verify(staff, payment["id"], 500000.0)
    (mail,) = sink.wait(address, "Pembayaran Diverifikasi")
    assert "Rp 500.000" in text_of(mail)
    running = admin.ask("GET", "/api/subscriptions/active")
    assert (running["status"], running["user_quota"], running["used_quota"]) == ("active", 5, 0)
    return admin


def window() -> dict[str, str]:
    now = datetime.now(UTC)  # noqa: TID251 - the server runs under the real clock
    return {
        "schedule_start_date": (now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "schedule_end_date": (now + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def test_workflow_3_then_2__company_invites_people_and_one_takes_both_tests(server, sink, tenant, tests):
    ids = [test["id"] for test in tests]
    body = {"name": "Citra", "email": "citra@people.example", "test_ids": ids, **window()}
    person = tenant.ask("POST", "/api/participants", body, 201)
    assert [row["test"]["id"] for row in person["test_assignments"]] == ids
    rows = [("Dewi", "dewi@people.example"), ("Eka", "not-an-address"), ("Fajar", "fajar@people.example")]
    form = {**window(), "test_ids[]": str(ids[0])}
    file = ("file", "orang.xlsx", sheet(*rows))
    seen = tenant.send("/api/participants/import-preview", form, file)
    assert (seen["total_rows"], seen["valid_rows"], seen["invalid_rows"]) == (3, 2, 1)
    assert [row["valid"] for row in seen["preview"]] == [True, False, True]
    made = tenant.send("/api/participants/import", form, file)
    assert (made["created"], made["failed"], made["failed_rows"]) == (2, 1, [3])
    listed = tenant.ask("GET", "/api/participants?per_page=10")
    assert (listed["total"], {row["email"] for row in listed["data"]}) == (
        3, {"citra@people.example", "dewi@people.example", "fajar@people.example"},
    )  # fmt: skip
    assert tenant.ask("GET", "/api/subscriptions/active")["used_quota"] == 3
    detail = tenant.ask("GET", f"/api/participants/{person['id']}")
    assert [row["is_completed"] for row in detail["test_assignments"]] == [False, False]
    sink.wait("citra@people.example", "Penugasan Tes", 2)
    sink.wait("dewi@people.example", "Penugasan Tes")
    sink.wait("fajar@people.example", "Penugasan Tes")
    tenant.ask("POST", f"/api/test-assignments/{detail['test_assignments'][0]['id']}/resend-email")
    sink.wait("citra@people.example", "Penugasan Tes", 3)
    tenant.ask("POST", f"/api/participants/{person['id']}/resend-all-emails")
    mails = sink.wait("citra@people.example", "Penugasan Tes", 5)
    links = {link(mail, r"/participant/assignment/([A-Z2-7]+)") for mail in mails}
    assert len(links) == 2
    _takes_both(Client(server), sorted(links), tests)
    detail = tenant.ask("GET", f"/api/participants/{person['id']}")
    assert [row["is_completed"] for row in detail["test_assignments"]] == [True, True]
    assert [row["status"] for row in detail["test_sessions"]] == ["completed", "completed"]


def _takes_both(client: Client, links: list[str], tests: list[dict[str, Any]]) -> None:
    form = {
        "name": "Citra Lengkap", "email": "citra@people.example", "phone": "081234567890",
        "date_of_birth": "1999-05-17", "address": "Jl. Merdeka 1", "additional_info": "-",
    }  # fmt: skip
    by_id = {test["id"]: test for test in tests}
    opened = client.ask("GET", f"/api/participant/assignment/{links[0]}")
    assert (opened["assignment"]["token"], opened["participant"]["name"]) == (links[0], "Citra")
    assert client.ask("GET", f"/api/participant/biodata/status?token={links[0]}")["is_complete"] is False
    early = client.ask("POST", f"/api/participant/session/start?token={links[0]}", status=403)
    assert early["error_code"] == "BIODATA_REQUIRED"
    client.ask("POST", f"/api/participant/biodata/complete?token={links[0]}", form)
    assert client.ask("GET", f"/api/participant/biodata/status?token={links[0]}")["is_complete"] is True
    for number, token in enumerate(links):
        test = by_id[client.ask("GET", f"/api/participant/assignment/{token}")["test"]["id"]]
        told = client.ask("GET", f"/api/participant/instructions?token={token}")
        assert (told["test"]["name"], told["assignment"]["token"]) == (test["name"], token)
        started = client.ask("POST", f"/api/participant/session/start?token={token}")["session"]
        assert started["test"] == {"id": test["id"], "name": test["name"], "duration_minutes": 30}
        sit(client, started["session_token"], test)
        found = client.ask("GET", f"/api/participant/assignments?token={token}")
        assert [row["assignment"]["token"] for row in found] == [one for one in links[number + 1 :] if one != token]
