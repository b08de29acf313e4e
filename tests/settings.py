"""Settings of the tests: the project's own, with data in a throwaway folder and nothing leaving the process."""

import os
import tempfile

os.environ.setdefault("READ_DOT_ENV", "0")
os.environ["DATA_DIR"] = os.environ.get("TEST_DATA_DIR") or tempfile.mkdtemp(prefix="cbt-test-")
os.environ.setdefault("SECRET_KEY", "tests-only-key-of-sufficient-length-0123456789")
os.environ["ALLOWED_HOSTS"] = "testserver,localhost,127.0.0.1"
os.environ["HTTPS"] = "0"
os.environ["CORS_ALLOWED_ORIGINS"] = "http://localhost:3000,http://localhost:4200,http://localhost:5173"

if os.environ.get("REDIS_URL"):
    # Each worker of a parallel run counts in a Redis database of its own: clearing one must not clear another.
    _base, _, _number = os.environ["REDIS_URL"].rpartition("/")
    _worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    os.environ["REDIS_URL"] = f"{_base}/{int(_number) + _worker}"

from cbt.settings import *  # noqa: F403
from cbt.settings import DATA_DIR, DATABASES

if "sqlite" in DATABASES["default"]["ENGINE"]:
    # A file, not memory: race tests need several real connections.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
JOB_EXECUTOR = "none"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "accounts.hashers.SealedHasher",
    "tests.hashers.CheapWrappedHasher",
]

LOG_REQUESTS = False  # tests of the log turn it on
