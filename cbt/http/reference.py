"""The reference of error codes: what each means and what a client does about it. `docs/errors.md` is made from it."""

from cbt.http.face import STATUS
from cbt.kernel.errors import ErrorCode as C

#: {code: (what has happened, what the client does)}
MEANING: dict[C, tuple[str, str]] = {
    C.INVALID_PAYLOAD: ("The body or the address cannot be read.", "Send well-formed JSON or a form; do not repeat."),
    C.VALIDATION_ERROR: ("Single fields break a rule; `errors` names them.", "Show the messages beside the fields."),
    C.UNAUTHENTICATED: ("No login, or one that has ended.", "Sign in again; answers already saved are safe."),
    C.INVALID_CREDENTIALS: ("Name and password do not belong together.", "Let the person try again."),
    C.EMAIL_NOT_VERIFIED: ("The address has not been proved yet.", "Offer to send the link again."),
    C.ACCOUNT_LOCKED: ("The account was closed by staff.", "Point to the organiser."),
    C.FORBIDDEN: ("Signed in, but not allowed to do this.", "Hide what the role may not do."),
    C.CSRF_FAILED: (
        "A request by cookie came from a place that is not listed, or without the CSRF token it needs.",
        "Send it from a listed origin, or the token as X-CSRFToken; `details.hint` says which.",
    ),
    C.COMPANY_ADMIN_NOT_FOUND: ("The user runs no company.", "Point to the organiser."),
    C.COMPANY_INACTIVE: ("The company is switched off or gone.", "Point to the company."),
    C.SUBSCRIPTION_REQUIRED: ("The company has no active subscription.", "Lead to the plans."),
    C.QUOTA_EXCEEDED: ("No participant is left in the quota.", "Lead to the purchase of quota."),
    C.NOT_FOUND: ("It does not exist, or it is somebody else's.", "Do not repeat."),
    C.METHOD_NOT_ALLOWED: ("This address has no such verb; `Allow` names those it has.", "Mend the client."),
    C.CONFLICT: ("Somebody else changed it meanwhile.", "Read it again, then decide."),
    C.BUSINESS_RULE: ("A rule refuses; the message says which.", "Show the message."),
    C.TOKEN_REQUIRED: ("The link's token is missing.", "Open the link from the mail."),
    C.INVALID_TOKEN: ("No such link or session.", "Open the link from the mail."),
    C.TOKEN_EXPIRED: ("The link is too old.", "Ask for a new one."),
    C.TOKEN_REJECTED: ("A mailed link is unknown, used or too old.", "Ask for a new one."),
    C.ALREADY_VERIFIED: ("The address has been proved already.", "Go on to signing in."),
    C.EMAIL_TAKEN: ("The address belongs to another account.", "Take another one."),
    C.ASSIGNMENT_EXPIRED: ("The time for this test is over.", "Point to the organiser."),
    C.ASSIGNMENT_NOT_STARTED: ("The time for this test has not come.", "Show when it begins."),
    C.ASSIGNMENT_COMPLETED: ("The test has been taken.", "Show the result where it is allowed."),
    C.BIODATA_REQUIRED: ("The form has to be filled in first.", "Lead to the form."),
    C.BANNED: ("The participant is banned.", "Show the reason; there is no way on."),
    C.EXAM_NOT_FOUND: ("There is no such exam file.", "Read the list of exams again."),
    C.EXAM_NOT_PUBLISHED: ("The exam is not published, or not any more.", "Read the list of exams again."),
    C.ATTEMPT_EXISTS: ("There is an attempt already, and no further one is allowed.", "Show the attempt."),
    C.TEST_NOT_AVAILABLE: ("The test is not on offer.", "Lead to the catalogue."),
    C.TEST_NOT_PURCHASED: ("The user does not own this test.", "Lead to the catalogue."),
    C.ATTEMPTS_USED_UP: ("No attempt is left.", "Show the result where it is allowed."),
    C.SESSION_NOT_IN_PROGRESS: ("The session has ended.", "Stop saving; show that it was handed in."),
    C.SESSION_EXPIRED: ("The time is up; what was saved was handed in.", "Stop saving; show that it was handed in."),
    C.SESSION_PAUSED: ("Staff has paused the session.", "Wait, and ask again now and then."),
    C.UNKNOWN_QUESTION: ("The paper has no such question; nothing was stored.", "Mend the client."),
    C.RESULT_NOT_AVAILABLE: ("The test does not show its results, or not yet.", "Say that it was handed in."),
    C.FILE_REJECTED: ("The file is not what it should be; `details` says why.", "Let the person choose another file."),
    C.LIMIT_REACHED: ("Too many of something were stored.", "Do not repeat."),
    C.MAIL_NOT_SENT: ("A mail could not be sent.", "Try again later."),
    C.LENGTH_REQUIRED: ("The body came without a Content-Length.", "Mend the client or the proxy."),
    C.PAYLOAD_TOO_LARGE: ("The body is larger than this address takes.", "Send less."),
    C.UNSUPPORTED_MEDIA_TYPE: ("The body is of a kind that is not read.", "Send JSON or multipart/form-data."),
    C.FACE_UNAVAILABLE: ("Nothing here reads faces, or its models cannot be loaded.", "Check in without a picture."),
    C.UPGRADE_REQUIRED: ("Sockets are served elsewhere; `details.url` says where.", "Connect there."),
    C.RATE_LIMITED: ("Too many requests.", "Wait for `Retry-After` seconds; keep the answers and send them again."),
    C.UNAVAILABLE: ("A part of the server is away for a moment.", "Wait for `Retry-After`; send the same again."),
    C.SERVER_ERROR: ("A fault of the server.", "Try again once; then report the `request_id`."),
}  # fmt: skip


def as_markdown() -> str:
    """Return the page of all codes, by status."""
    rows = sorted(MEANING.items(), key=lambda item: (STATUS[item[0]], item[0].value))
    lines = [f"| `{code.value}` | {STATUS[code]} | {what} | {then} |" for code, (what, then) in rows]
    return "\n".join([*_HEAD, *lines, ""])


_HEAD = [
    "# Error codes",
    "",
    "Made by `manage.py error_codes`; do not edit. Every error has the same body: `success` (false), `message`,",
    "`error` and `error_code` (one of these), `errors` (by field), `details`, `detail`, `status_code`, `request_id`.",
    "The status is that of the primary contract; a dialect with statuses of its own documents them.",
    "",
    "| Code | Status | What has happened | What a client does |",
    "|---|---|---|---|",
]
