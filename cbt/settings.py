"""All settings, and the only module that reads the environment.

Two ways to run. *Embedded* (no ``DATABASE_URL``): SQLite, an in-process job runner, mails as files and
a secret of its own made at first start, so that ``make run`` needs nothing. *Services*
(``DATABASE_URL``, usually with ``REDIS_URL``): PostgreSQL, Redis, Celery, and no secret has a default.
"""

import importlib.util
import os
import secrets
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if os.environ.get("READ_DOT_ENV", "1") == "1":
    env.read_env(BASE_DIR / ".env")

# --- where things are -------------------------------------------------------------------------------
PORT = env.int("PORT", default=8000)
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
DATABASE_URL = env.str("DATABASE_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="")
EMBEDDED = not DATABASE_URL
DEBUG = env.bool("DEBUG", default=False)
LOCAL_RUN = env.bool("LOCAL_RUN", default=False)  # `make run` sets it: plain http on the loopback address
IS_LOCAL = EMBEDDED or DEBUG or LOCAL_RUN
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
FRONTEND_URL = env.str("FRONTEND_URL", default="http://localhost:3000").rstrip("/")
# The live server (sockets and event streams): a thread of `make run`, a service of its own in production.
# Far from PORT: people start a second server on the next one.
LIVE_PORT = env.int("LIVE_PORT", default=PORT + 10_000 if PORT < 50_000 else PORT - 10_000)
LIVE_URL = env.str(
    "LIVE_URL",
    default=f"ws://127.0.0.1:{LIVE_PORT}" if EMBEDDED or LOCAL_RUN else f"ws{PUBLIC_URL.removeprefix('http')}",
).rstrip("/")
DATA_DIR.mkdir(parents=True, exist_ok=True)

# --- secrets ----------------------------------------------------------------------------------------
WEAK_SECRETS = {"change-me", "changeme", "secret", "insecure"}


def _secret_key() -> str:
    """Return SECRET_KEY; embedded and local runs make one at first start, anything else must be given a real one."""
    given = env.str("SECRET_KEY", default="")
    if given and (DEBUG or (given.lower() not in WEAK_SECRETS and len(given) >= 32)):
        return given
    if given or not (EMBEDDED or LOCAL_RUN):
        raise ImproperlyConfigured("Set SECRET_KEY to at least 32 random characters (not the example's value).")
    path = DATA_DIR / "secret.key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii")


SECRET_KEY = _secret_key()
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

# --- hosts, proxies, browsers -----------------------------------------------------------------------
LOCAL_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=LOCAL_HOSTS if IS_LOCAL else [])
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
# Whole origins, compared as they are. The documented frontends on a developer's machine are let in there only.
LOCAL_FRONTENDS = ["http://localhost:3000", "http://localhost:4200", "http://localhost:5173"]
CORS_ALLOWED_ORIGINS = env.list(
    "CORS_ALLOWED_ORIGINS",
    default=list(
        dict.fromkeys(["/".join(FRONTEND_URL.split("/", 3)[:3]).lower(), *(LOCAL_FRONTENDS if IS_LOCAL else [])])
    ),
)
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_HEADERS = (*default_headers, "idempotency-key", "if-none-match", "x-request-id")
CORS_EXPOSE_HEADERS = [
    "X-Request-ID", "X-CSRFToken", "Retry-After", "Content-Disposition", "X-Total-Count", "Link", "ETag",
    "Deprecation", "Sunset",
]  # fmt: skip
CORS_URLS_REGEX = r"^/(api|v1|storage)/"
HTTPS = env.bool("HTTPS", default=not IS_LOCAL)
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^health"]
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = CORS_ALLOWED_ORIGINS
CSRF_FAILURE_VIEW = "cbt.http.problems.csrf_failure"
# Nothing is told to other sites. "no-referrer" would have browsers send our own forms with "Origin: null", which the
# CSRF check refuses.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- the house --------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "cbt.ops",
    "cbt.kernel",
    "cbt.http",
    "accounts",
    "catalog",
    "commerce",
    "tenants",
    "sessions_app",
    "anticheat",
    "proctoring",
    # A face with rooms of its own (jobs, commands) is an app; taking its folder away takes it off this list.
    *sorted(f"cbt.faces.{found.parent.name}" for found in (BASE_DIR / "cbt/faces").glob("*/apps.py")),
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "cbt.http.middleware.request_id",
    "cbt.http.metering.metered",
    "cbt.http.cors.Cors",  # before what refuses: a frontend must be able to read the refusal
    "cbt.http.middleware.body_guard",
    "django.middleware.security.SecurityMiddleware",
    "cbt.http.middleware.admin_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "cbt.http.deprecation.middleware",
]
ROOT_URLCONF = "cbt.urls"
WSGI_APPLICATION = "cbt.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
LOCAL_TIME_ZONE = env.str("LOCAL_TIME_ZONE", default="Asia/Jakarta")  # shown beside UTC to people who are invited
try:
    ZoneInfo(LOCAL_TIME_ZONE)
except (ZoneInfoNotFoundError, ValueError, OSError):
    raise ImproperlyConfigured(f"LOCAL_TIME_ZONE names no time zone known here: {LOCAL_TIME_ZONE}") from None
USE_TZ = True
USE_I18N = True
STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", default="") or None  # set where collectstatic has run
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(MEDIA_ROOT), "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
S3_BUCKET = env.str("S3_BUCKET", default="")  # empty: the folder above
if S3_BUCKET:
    if importlib.util.find_spec("storages") is None:
        raise ImproperlyConfigured("S3_BUCKET needs the extra s3: make install-s3, for the image EXTRAS=s3")
    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": env.str("S3_ENDPOINT_URL", default="") or None,
            "region_name": env.str("S3_REGION", default="") or None,
            "access_key": env.str("S3_ACCESS_KEY_ID", default="") or None,
            "secret_key": env.str("S3_SECRET_ACCESS_KEY", default="") or None,
            "default_acl": None,  # the bucket is private; files leave through this server alone
            "file_overwrite": False,
        },
    }
DATA_UPLOAD_MAX_MEMORY_SIZE = 26 * 1024 * 1024  # the per-route limits of cbt.http are far lower
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
DATA_UPLOAD_MAX_NUMBER_FILES = 20

# --- database: an acknowledged write is on the disk --------------------------------------------------
SQLITE_OPTIONS = {
    # IMMEDIATE takes the writer's lock at BEGIN; the default upgrades later and fails with
    # "database is locked" as soon as two requests write at once.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;",
}
POSTGRES_OPTIONS = {
    "connect_timeout": 5,
    "options": "-c lock_timeout=5000 -c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000",
}
DATABASES: dict[str, dict[str, Any]]
if EMBEDDED:
    DATABASES = {"default": {"ENGINE": "cbt.kernel.sqlite", "NAME": str(DATA_DIR / "db.sqlite3")}}
else:
    DATABASES = {"default": env.db_url_config(DATABASE_URL)}
_database = DATABASES["default"]
if "sqlite" in _database["ENGINE"]:
    _database["ENGINE"] = "cbt.kernel.sqlite"
    _database["OPTIONS"] = SQLITE_OPTIONS
    _database["CONN_MAX_AGE"] = None  # opening and its PRAGMAs cost more than a save
else:
    _database["OPTIONS"] = POSTGRES_OPTIONS | _database.get("OPTIONS", {})
    _database["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=600)

# --- cache and counters -----------------------------------------------------------------------------
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "cbt",
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }
else:
    # Right for one process, which is what the embedded run is.
    CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 100_000}}
    }
# auth.W004: the address is unique whatever its case, by a constraint on lower(email).
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.E003", "django_ratelimit.W001", "auth.W004"]

# --- jobs and mail ----------------------------------------------------------------------------------
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=REDIS_URL)
JOB_EXECUTOR = env.str("JOB_EXECUTOR", default="celery" if CELERY_BROKER_URL else "embedded")
EMAIL_URL = env.str("EMAIL_URL", default=f"filemail:///{str(DATA_DIR / 'mails').lstrip('/')}")
vars().update(env.email_url_config(EMAIL_URL))
if EMAIL_URL.startswith("filemail:"):
    EMAIL_BACKEND = "cbt.kernel.mail_files.EmailBackend"
    EMAIL_FILE_PATH = "/" + EMAIL_URL.removeprefix("filemail:").lstrip("/")
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="RuangTes <no-reply@ruangtes.invalid>")
BRAND = env.str("BRAND", default="RuangTes")

# --- people -----------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.EmailBackend"]
PASSWORD_HASHERS = [
    "accounts.hashers.ExamArgon2Hasher",
    "accounts.hashers.SealedHasher",  # of people imported a moment ago
    "accounts.hashers.WrappedHasher",  # of those who have not signed in since
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS: list[dict[str, object]] = []  # the contract's rule is "at least 8 characters"
LOGIN_IDLE = timedelta(days=env.int("LOGIN_IDLE_DAYS", default=30))
LOGIN_ABSOLUTE = timedelta(days=env.int("LOGIN_ABSOLUTE_DAYS", default=365))
EXAM_LOGIN = timedelta(minutes=env.int("EXAM_LOGIN_MINUTES", default=120))  # of a candidate; an exam prolongs it
ACCESS_TOKEN = timedelta(minutes=env.int("ACCESS_TOKEN_MINUTES", default=15))  # beside a refresh token
REFRESH_TOKEN = timedelta(days=env.int("REFRESH_TOKEN_DAYS", default=30))
MAX_LOGINS_PER_USER = env.int("MAX_LOGINS_PER_USER", default=0)  # 0: no limit
LOGOUT_OTHERS_ON_LOGIN = env.bool("LOGOUT_OTHERS_ON_LOGIN", default=False)
EMAIL_VERIFICATION_LIFETIME = timedelta(hours=24)
PASSWORD_RESET_LIFETIME = timedelta(minutes=60)

# --- exams ------------------------------------------------------------------------------------------
EXAM_GRACE_SECONDS = env.int("EXAM_GRACE_SECONDS", default=30)
PHOTO_RETENTION_DAYS = env.int("PHOTO_RETENTION_DAYS", default=90)
PHOTOS_PER_SESSION = env.int("PHOTOS_PER_SESSION", default=600)
ATTENDANCE_LATE_MINUTES = env.int("ATTENDANCE_LATE_MINUTES", default=10)
FACE_MATCHER = env.str("FACE_MATCHER", default="")  # module.Class, see proctoring.services.faces; empty: dlib, if there
FACE_MODELS = env.str("FACE_MODELS", default="")  # folder of dlib's two files, see proctoring.services.vision
FACE_DISTANCE_MAX = env.float("FACE_DISTANCE_MAX", default=0.0)  # 0: as published for the reader
FACE_RETENTION_DAYS = env.int("FACE_RETENTION_DAYS", default=365)

# --- live ---------------------------------------------------------------------------------------------
ASGI_APPLICATION = "cbt.asgi.application"
LIVE_SOCKETS_PER_LOGIN = env.int("LIVE_SOCKETS_PER_LOGIN", default=10)
LIVE_SOCKETS_PER_ADDRESS = env.int("LIVE_SOCKETS_PER_ADDRESS", default=1000)  # a school sits behind one
LIVE_POLL_SECONDS = 0.5  # how long news waits at most where nobody wakes the reader
LIVE_CHECK_SECONDS = 3.0  # how often logins, companies and sessions of open sockets are looked at again
LIVE_HEARTBEAT_SECONDS = 20.0
LIVE_QUEUE = 1000  # news that wait for a slow socket before it is dropped; more than one turn brings (500)

# --- money ------------------------------------------------------------------------------------------
TAX_RATE = Decimal(env.str("TAX_RATE", default="0.11"))  # on invoices
INVOICE_ISSUER_NAME = env.str("INVOICE_ISSUER_NAME", default=BRAND)
INVOICE_ISSUER_ADDRESS = env.str("INVOICE_ISSUER_ADDRESS", default="")
INVOICE_ISSUER_TAX_ID = env.str("INVOICE_ISSUER_TAX_ID", default="")
INVOICE_BANK_ACCOUNT = env.str("INVOICE_BANK_ACCOUNT", default="")

# --- HTTP -------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "cbt.http.parsers.CleanJSONParser",
        "cbt.http.parsers.CleanMultiPartParser",
        "cbt.http.parsers.CleanFormParser",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "cbt.http.parsers.AlwaysJSON",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.BearerAuthentication",
        "accounts.api.authentication.CookieAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["cbt.http.permissions.DenyAll"],
    "DEFAULT_SCHEMA_CLASS": "cbt.http.schema.HouseSchema",
    "EXCEPTION_HANDLER": "cbt.http.problems.drf_exception_handler",
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%SZ",
    "COERCE_DECIMAL_TO_STRING": False,
    "UNAUTHENTICATED_USER": None,
}
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
    "LEEWAY": 30,
    "AUDIENCE": "cbt-api",
    "ISSUER": "cbt-server",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "RuangTes API",
    "DESCRIPTION": "Computer-based and psychological tests as a service.",
    "VERSION": "1.0.0",
    # Forms are read as well; three ways to send each body make clients with three of each.
    "PARSER_WHITELIST": ["cbt.http.parsers.CleanJSONParser"],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SORT_OPERATIONS": True,
    "SCHEMA_PATH_PREFIX": r"/api",
    "ENUM_NAME_OVERRIDES": {
        "ErrorCodeEnum": "cbt.http.schema.ERROR_CODES",
        "RoleEnum": "accounts.api.users.ROLES",
        "V1RoleEnum": ["admin", "instructor", "student"],
        "AttendanceStatusEnum": ["present", "late", "absent", "excused"],
        "QuestionKindEnum": "catalog.api.serializers.QUESTION_KINDS",
    },
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            "cookie": {
                "type": "apiKey",
                "in": "cookie",
                "name": "auth-token",
                "description": "Set by signing in. Writes must come from a configured origin or carry the CSRF token.",
            },
        },
    },
}

# --- what is watched --------------------------------------------------------------------------------
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")  # empty: /metrics answers this machine only
METRICS_DIR = env.str("PROMETHEUS_MULTIPROC_DIR", default="")  # needed where several processes serve
if METRICS_DIR:
    Path(METRICS_DIR).mkdir(parents=True, exist_ok=True)
SENTRY_DSN = env.str("SENTRY_DSN", default="")
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", default="production")

# --- logs: no bodies, tokens or addresses -----------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOG_FORMAT = env.str("LOG_FORMAT", default="line" if IS_LOCAL else "json")
LOG_REQUESTS = env.bool("LOG_REQUESTS", default=not IS_LOCAL)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "cbt.kernel.logs.RedactSecrets"}},
    "formatters": {"line": {"()": "cbt.kernel.logs.LineFormatter"}, "json": {"()": "cbt.kernel.logs.JsonLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["redact"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        # 4xx answers are normal traffic; their paths carry tokens.
        "django.request": {"level": "ERROR"},
        "uvicorn": {"level": "WARNING"},  # below, it tells addresses with their query strings
        "django.security.DisallowedHost": {"level": "CRITICAL"},  # scanners; answered 400
    },
}
