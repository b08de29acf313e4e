"""A walk from invitation to result against a running server, with nothing but the standard library.

    make run                  # in one terminal
    make tour                 # in another

BASE_URL: the server (http://127.0.0.1:8000).  DATA_DIR: where it keeps its mails (var).
"""

import base64
import email
import email.policy
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

BASE_URL = os.environ.get("BASE_URL", f"http://127.0.0.1:{os.environ.get('PORT', '8000')}").rstrip("/")
MAILS = Path(os.environ.get("DATA_DIR", "var")) / "mails"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYPgPAAEDAQAIicLsAAAAAElFTkSuQmCC"
)


def call(method: str, path: str, body: Any = None, *, token: str = "", raw: bytes | None = None, kind: str = "") -> Any:
    """Send one request, print its line, and return ``data``; a refusal ends the walk with the server's words."""
    headers = {"Accept": "application/json", "Content-Type": kind or "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{BASE_URL}{path}", data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            status, content, content_type = response.status, response.read(), response.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path} -> {error.code} {error.read().decode()[:500]}")
    if "json" not in content_type:
        print(f"  {method:4} {shown(path):58} {status}  {len(content)} bytes of {content_type}")
        return content
    answer = json.loads(content)
    print(f"  {method:4} {shown(path):58} {status}  {answer['message']}")
    return answer["data"]


def shown(path: str) -> str:
    """Shorten secrets in a printed path."""
    return re.sub(r"(SESSION-|token=|assignment/)([A-Z2-7]{4})[A-Z2-7]+", r"\1\2…", path)


def multipart(name: str, filename: str, content: bytes) -> tuple[bytes, str]:
    """Return a form body with one file, and its content type."""
    boundary = uuid.uuid4().hex
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        "Content-Type: image/png\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def link_in_mail(address: str) -> str:
    """Wait until the mail to this address has arrived as a file, and return the token of its link."""
    for _ in range(300):
        for path in sorted(MAILS.glob("*.log"), key=lambda file: file.stat().st_mtime, reverse=True):
            text = path.read_text(encoding="utf-8")
            if f"To: {address}" not in text:
                continue
            message = email.message_from_string(text, policy=email.policy.default)
            part = message.get_body(("plain",))
            found = re.search(r"/participant/assignment/([A-Z2-7]+)", part.get_content() if part else "")
            if found:
                print(f"  mail to {address}: {message['Subject']}")
                return found[1]
        time.sleep(0.1)
    sys.exit(f"no mail to {address} arrived in {MAILS}")


def any_answer(question: dict[str, Any]) -> Any:
    """Return a well-formed answer to a question of any kind."""
    keys = [option["key"] for option in question["options"]]
    return {
        "single_choice": keys[0] if keys else None, "likert": keys[-1] if keys else None, "multiple_choice": keys[:1],
        "ranking": keys, "true_false": True, "number": 42, "short_text": "Jakarta", "long_text": "An essay.",
    }[question["kind"]]  # fmt: skip


def invite(tenant: str) -> tuple[int, str]:
    """Invite a new person to the aptitude test and return the participant's id and the link's token."""
    print("The company invites a person")
    tests = call("GET", "/api/tests?search=APT-20", token=tenant)["data"]
    address = f"candidate-{uuid.uuid4().hex[:8]}@example.com"
    today = time.strftime("%Y-%m-%d", time.gmtime())
    body = {
        "name": "Tour Candidate", "email": address, "schedule_start_date": today,
        "schedule_end_date": time.strftime("%Y-%m-%d", time.gmtime(time.time() + 7 * 86_400)),
        "test_ids": [tests[0]["id"]],
    }  # fmt: skip
    participant = call("POST", "/api/participants", body, token=tenant)
    return participant["id"], link_in_mail(address)


def take(link: str) -> str:
    """Fill in the form, take the whole test, submit, and return the session's token."""
    print("The person opens the link and fills in the form")
    call("GET", f"/api/participant/assignment/{link}")
    call("GET", f"/api/participant/biodata/status?token={link}")
    form = {
        "name": "Tour Candidate", "email": "candidate@example.com", "phone": "081234567890",
        "date_of_birth": "1999-05-17", "address": "Jl. Merdeka 1, Bandung",
    }  # fmt: skip
    call("POST", f"/api/participant/biodata/complete?token={link}", form)
    call("GET", f"/api/participant/instructions?token={link}")
    print("The test runs under the server's clock")
    session = call("POST", f"/api/participant/session/start?token={link}")["session"]["session_token"]
    path = f"/api/test-session/{session}"
    paper = call("GET", f"{path}/questions")
    answers = {question["question_id"]: any_answer(question) for question in paper["questions"]}
    keys = list(answers)
    for revision, part in enumerate((keys[: len(keys) // 2], keys[len(keys) // 2 :]), start=1):
        body = {"answers": {key: answers[key] for key in part}, "revision": revision}
        call("POST", f"{path}/save-answers", body)
    raw, kind = multipart("photo", "face.png", PICTURE)
    call("POST", f"{path}/photo/capture", raw=raw, kind=kind)
    report = {"detection_type": "tab_switch", "detection_data": {"details": "User switched tabs"}, "severity": 2}
    call("POST", f"{path}/cheat/log", report)
    clock = call("POST", f"{path}/update-time")
    print(f"  {clock['time_spent_seconds']} s spent, {clock['remaining_seconds']} s left")
    call("GET", path)
    call("POST", f"{path}/submit")
    call("POST", f"{path}/submit")
    return session


def main() -> None:
    """Walk the whole flow."""
    print(f"Touring {BASE_URL}")
    login = {"email": "tenant@demo.test", "password": "DemoPass123!"}
    tenant = call("POST", "/api/auth/login", login)["token"]
    participant_id, link = invite(tenant)
    session = take(link)
    print("Both sides see the result")
    own = call("GET", f"/api/test-session/{session}/result")
    rows = call("GET", f"/api/results?participant={participant_id}", token=tenant)["data"]
    result = call("GET", f"/api/results/{rows[0]['id']}", token=tenant)
    session_id = result["session"]["id"]
    for part in ("detections", "photos", "events"):
        call("GET", f"/api/test-sessions/{session_id}/{part}", token=tenant)
    call("GET", f"/api/results/export?format=xlsx&participant={participant_id}", token=tenant)
    call("POST", "/api/auth/logout", token=tenant)
    if own["percentage"] != result["percentage"]:
        sys.exit("the two sides see different results")
    counts = f"{result['correct_count']} right, {result['wrong_count']} wrong, {result['unanswered_count']} left out"
    print(f"Done: {result['points']} of {result['max_points']} points, {result['percentage']} % ({counts})")


if __name__ == "__main__":
    main()
