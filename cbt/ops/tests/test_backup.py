"""Backup, drill and restore: what comes back is what was there, or somebody is told."""

import json
import os
import shutil
import subprocess
import sys
import tarfile

import pytest
from django.conf import settings as house
from django.core.management import CommandError, call_command
from django.db import connection, connections

from accounts.models import User
from accounts.tests.factories import make_user
from cbt.ops import backup, databases
from cbt.ops.fingerprint import differences, fingerprint
from sessions_app.tests.factories import make_assignment, start_session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _tools(monkeypatch):
    # Django's test case forbids aliases that joined later, except this one.
    monkeypatch.setattr("django.test.testcases.NO_DB_ALIAS", databases.SCRATCH)
    if connection.vendor == "postgresql" and shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not installed")


@pytest.fixture
def made(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"
    (settings.DATA_DIR / "media/photos").mkdir(parents=True)
    (settings.DATA_DIR / "media/photos/a.png").write_bytes(b"a picture")
    make_user(name="Zoë \U0001f600 \ud7ff")
    start_session(make_assignment()[1])
    return backup.backup_make(tmp_path / "backups")


def test_backup__when_made__then_private_whole_and_counted(made):
    assert made.manifest["tables"]["accounts_user"]["rows"] == User.objects.count()
    assert made.manifest["tables"]["sessions_app_examsession"]["rows"] == 1
    assert made.manifest["engine"] == connection.vendor
    assert "accounts.0001_initial" in made.manifest["migrations"]
    assert {path.name for path in made.folder.iterdir()} == {"database.dump", "files.tar", "manifest.json"}
    assert {oct(path.stat().st_mode & 0o777) for path in made.folder.iterdir()} == {"0o600"}
    assert oct(made.folder.stat().st_mode & 0o777) == "0o700"
    assert [path.name for path in made.folder.parent.iterdir()] == [made.folder.name]  # no half-made one beside it


def test_drill__when_all_is_well__then_no_difference_and_nothing_left_behind(made, tmp_path, capsys):
    before = fingerprint()
    call_command("backup_drill", made.folder)
    assert f"{made.rows} rows, all the same" in capsys.readouterr().out
    assert fingerprint() == before
    assert databases.SCRATCH not in connections.databases
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'cbt_drill_%'")
            assert cursor.fetchone() == (0,)


def test_drill__when_the_manifest_tells_of_other_rows__then_named(made):
    tables = made.manifest["tables"]
    tables["accounts_user"] = {"rows": 99, "sha256": "0" * 64}
    (found,) = backup.drill(made)
    assert found.startswith("accounts_user: 99 rows (000000000000) expected, 1 rows (")


def test_drill__when_later_writes_came__then_the_backup_is_still_of_its_moment(made):
    make_user()
    assert backup.drill(made) == []
    assert differences(made.manifest["tables"], fingerprint()) != []


@pytest.mark.parametrize("name", ["database.dump", "files.tar"])
def test_open__when_a_byte_was_changed__then_refused(made, name):
    path = made.folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(CommandError, match="is missing or was changed"):
        call_command("backup_drill", made.folder)


@pytest.mark.parametrize("has_filters", [True, False])
@pytest.mark.parametrize("member", [{"name": "../out"}, {"name": "/tmp/out"}, {"name": "a", "type": tarfile.SYMTYPE}])
def test_drill__when_a_file_would_lead_out__then_refused(made, monkeypatch, has_filters, member):
    if not has_filters:  # Python 3.11.0 to 3.11.3
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    info = tarfile.TarInfo(member["name"])
    info.type = member.get("type", tarfile.REGTYPE)
    with tarfile.open(made.folder / "files.tar", "a") as archive:
        archive.addfile(info)
    with pytest.raises(backup.BackupRefused, match="what no backup of ours does"):
        backup.drill(made)


def test_open__when_it_is_no_backup__then_refused(tmp_path):
    with pytest.raises(CommandError, match=r"is no backup: manifest\.json is missing"):
        call_command("restore", tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"format": "other/9"}))
    with pytest.raises(CommandError, match="another format: other/9"):
        call_command("restore", tmp_path)


def test_restore__when_the_database_is_in_use__then_refused_and_untouched(made):
    before = fingerprint()
    with pytest.raises(CommandError, match="has tables already"):
        call_command("restore", made.folder)
    assert fingerprint() == before


def test_restore__when_the_server_is_new__then_everything_is_back(made, tmp_path):
    """In a process of its own, with a DATA_DIR and a database of its own, as on a new machine."""
    fresh = tmp_path / "fresh"
    environment = {"DATA_DIR": str(fresh), "READ_DOT_ENV": "0", "PYTHONDONTWRITEBYTECODE": "1", "LOCAL_RUN": "1"}
    with databases.scratch_database(tmp_path) as alias:
        if connection.vendor == "postgresql":
            given = connection.settings_dict
            name = connections.databases[alias]["NAME"]
            environment["DATABASE_URL"] = f"postgres://{given['USER']}@{given['HOST']}:{given['PORT'] or 5432}/{name}"
        done = subprocess.run(
            [sys.executable, "manage.py", "restore", str(made.folder)],
            cwd=house.BASE_DIR, env=environment, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert f"Restored: {made.rows} rows, every table with the same checksum." in done.stdout
    assert (fresh / "media/photos/a.png").read_bytes() == b"a picture"


def test_backup__when_a_tool_is_missing__then_said_and_nothing_left(tmp_path, monkeypatch, settings):
    settings.DATA_DIR = tmp_path / "data"

    def missing(target):
        raise databases.ToolFailed("pg_dump is not installed (Debian: postgresql-client).")

    monkeypatch.setattr(databases, "dump", missing)
    with pytest.raises(CommandError, match="pg_dump is not installed"):
        call_command("backup", tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_backup__when_with_drill__then_both_are_told(tmp_path, settings, capsys):
    settings.DATA_DIR = tmp_path / "data"
    call_command("backup", tmp_path / "backups", drill=True)
    out = capsys.readouterr().out
    assert "tables," in out
    assert "Drill passed: every table restored with the same rows and checksum." in out


def test_backup__when_the_folder_may_not_be_written__then_said_who_wanted_to(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CommandError, match=rf"User {os.getuid()} cannot write into .*/file/backups: Not a directory"):
        call_command("backup", tmp_path / "file/backups")


def test_drill__then_files_are_unpacked_beside_the_backup(made, monkeypatch):
    seen = []
    unpack = backup._unpack
    monkeypatch.setattr(backup, "_unpack", lambda kept, target: (seen.append(target), unpack(kept, target)))
    assert backup.drill(made) == []
    (target,) = seen
    assert target.parent.parent == made.folder.parent
    assert [path.name for path in made.folder.parent.iterdir()] == [made.folder.name]  # and gone again


def test_tools__when_user_host_and_database_have_one_name__then_each_is_told():
    settings = {"NAME": "cbt", "USER": "cbt", "HOST": "cbt", "PORT": 5432, "PASSWORD": "secret", "OPTIONS": {}}
    words, environment = databases._told(settings, ["--format=custom", "a.dump"])
    assert words == ["-U", "cbt", "-h", "cbt", "-p", "5432", "--dbname=cbt", "--format=custom", "a.dump"]
    assert environment == {"PGPASSWORD": "secret"}
