"""docker-compose.yml, the Dockerfile, nginx.conf and the documents that tell how to use them agree with the code."""

import json
import re
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from cbt.http.face import Problem, error_body
from cbt.kernel.errors import ErrorCode
from tests.test_env_example import read_by_settings

ROOT = settings.BASE_DIR
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("cbt-server:")}
NGINX = (ROOT / "deploy/nginx.conf").read_text()
DOCUMENTS = ["README.md", "docs/deployment.md", "docs/operations.md"]


def test_compose__then_our_services_run_commands_that_exist():
    for name, service in OURS.items():
        words = service.get("command", ["granian"])
        if words[:2] == ["python", "manage.py"]:
            assert words[2] in get_commands(), name
        else:
            assert words[0] in {"celery", "granian"}, name
            assert "cbt.celery" in words or name == "web"


def test_compose__then_our_services_are_given_only_what_the_settings_read():
    for service in OURS.values():
        assert set(service["environment"]) <= read_by_settings()


@pytest.mark.parametrize("name", SERVICES)
def test_compose__then_no_service_may_more_than_it_needs_or_logs_for_ever(name):
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"] == {"max-size": "20m", "max-file": "5"}
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    if name in OURS:
        assert "cap_add" not in service
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]


def test_compose__then_only_nginx_is_published_and_to_this_machine_alone():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"nginx": ["127.0.0.1:${HTTP_PORT:-8080}:80"]}


def test_compose__then_postgres_is_healthy_only_once_it_answers_others():
    # On its socket it already answers while it makes the database, and then it starts anew.
    test = SERVICES["postgres"]["healthcheck"]["test"]
    assert test[:4] == ["CMD", "pg_isready", "-h", "127.0.0.1"]


def test_nginx__then_sends_to_ports_on_which_our_services_listen():
    image = re.search(r'"--host", "0\.0\.0\.0", "--port", "(\d+)"', (ROOT / "Dockerfile").read_text())
    live = SERVICES["live"]["command"]
    assert image
    ports = {"web": image[1], "live": live[live.index("--port") + 1]}
    # "resolve": a container that is made anew has another address.
    assert re.findall(r"^\s+server (\w+):(\d+) resolve ", NGINX, re.MULTILINE) == list(ports.items())
    assert f"127.0.0.1:{ports['web']}/" in (ROOT / "scripts/healthcheck.py").read_text()
    assert f"127.0.0.1:{ports['live']}/" in SERVICES["live"]["healthcheck"]["test"][-1]


def test_nginx__then_passes_the_host_on_with_its_port():
    # Without it a form sent from https://host:8443 has an origin that is not the server's own.
    assert re.findall(r"proxy_set_header Host (\S+);", NGINX) == ["$http_host", "$http_host"]


def test_nginx__then_its_own_refusals_are_shaped_like_those_of_the_api():
    found = [json.loads(body) for body in re.findall(r"return \d+ '(\{.*\})';", NGINX)]
    assert [body["error_code"] for body in found] == ["PAYLOAD_TOO_LARGE", "UNAVAILABLE"]
    for body in found:
        assert set(body) == set(error_body(Problem(ErrorCode(body["error_code"]), "", 500)))
    assert found[0]["details"] == {"max_bytes": 25 * 1024 * 1024}
    assert "client_max_body_size 25m;" in NGINX


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents__then_name_services_and_commands_that_exist(name):
    text = (ROOT / name).read_text()
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= set(get_commands())
    for line in re.findall(r"docker compose ([^`\n]*)", text):
        words = [word for word in line.split() if not word.startswith("-")]
        if words and words[0] in {"exec", "run", "restart", "logs", "stop", "start"}:
            assert set(words) & set(SERVICES), line


def test_image__then_neither_secrets_nor_history_are_sent_to_the_build():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".git", ".env", ".env.*", "var", "**/*.pem", "**/*.key"} <= set(ignored)
