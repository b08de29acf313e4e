"""The project's settings with the one route of `benchmarks.writers.urls` in front."""

import os

from cbt.settings import *  # noqa: F403
from cbt.settings import DATABASES

ROOT_URLCONF = "benchmarks.writers.urls"
if os.environ.get("BENCH_ENGINE"):
    DATABASES["default"]["ENGINE"] = os.environ["BENCH_ENGINE"]
if os.environ.get("BENCH_CONN_MAX_AGE"):
    value = os.environ["BENCH_CONN_MAX_AGE"]
    DATABASES["default"]["CONN_MAX_AGE"] = None if value == "none" else int(value)
if os.environ.get("BENCH_TRANSACTION_MODE"):
    DATABASES["default"]["OPTIONS"]["transaction_mode"] = (
        None if os.environ["BENCH_TRANSACTION_MODE"] == "default" else os.environ["BENCH_TRANSACTION_MODE"]
    )
