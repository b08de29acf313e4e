# Builds the packages and the static files, then leaves the tools behind.
FROM python:3.12-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
RUN python -m venv /venv
COPY requirements.txt requirements-vision.txt requirements-s3.txt ./
RUN /venv/bin/pip install --quiet --require-hashes -r requirements.txt
# EXTRAS="vision s3": also what reads faces (docs/v1.md), and what keeps files in a bucket (docs/deployment.md).
ARG EXTRAS=""
RUN for extra in $EXTRAS; do /venv/bin/pip install --quiet --require-hashes -r "requirements-$extra.txt" || exit 1; done
COPY . .
# No service and no secret is needed for this; the embedded defaults go to a folder that stays behind.
RUN DATA_DIR=/tmp/build STATIC_ROOT=/app/staticfiles /venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
 && /venv/bin/python -m compileall -q -j 0 /app

FROM python:3.12-slim-trixie
# pg_dump and pg_restore for `manage.py backup`; the base image's release carries the major version of compose's server.
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client && rm -rf /var/lib/apt/lists/*
# Base images come without the compiled standard library, and with a read-only root every process would compile it anew.
RUN python -m compileall -q -j 0 -x '/tests?/' "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
RUN groupadd --gid 10001 cbt && useradd --uid 10001 --gid cbt --no-create-home --shell /usr/sbin/nologin cbt \
 && mkdir -p /data/mails /data/media /data/exams/input /data/exams/attempts /data/exams/output /data/exams/progress \
 && chown -R cbt:cbt /data
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/data STATIC_ROOT=/app/staticfiles READ_DOT_ENV=0
WORKDIR /app
USER cbt
EXPOSE 8000
VOLUME /data
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "scripts/healthcheck.py"]
# No access log: paths carry tokens. Bodies arrive whole, because nginx buffers them.
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--http", "1", "--no-ws", \
     "--workers", "2", "--blocking-threads", "4", "--backlog", "2048", "--backpressure", "4096", \
     "--respawn-failed-workers", "--workers-kill-timeout", "15", "--log-level", "warning", "cbt.wsgi:application"]
