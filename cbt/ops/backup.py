"""A backup: one folder with the database, the files, and a list of what is in them. And the drill that proves it."""

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from cbt.kernel import clock
from cbt.ops import databases
from cbt.ops.fingerprint import Prints, differences, fingerprint

FORMAT = "cbt-backup/1"
DATABASE, FILES, MANIFEST = "database.dump", "files.tar", "manifest.json"
#: Folders of DATA_DIR that hold what people gave us; the rest (mails written out, projections) can be made again.
FOLDERS = ("media", "exams")


class BackupRefused(Exception):
    """This backup cannot be made or restored here; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished backup on disk. manifest: as in the file of that name."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def rows(self) -> int:
        """Return how many rows all tables have together."""
        return sum(table["rows"] for table in self.manifest["tables"].values())


def backup_make(parent: Path) -> Backup:
    """Write a backup below ``parent`` while the server runs; it appears under its name only when it is whole.

    Database and files are each consistent; a file that came in between the two is in the files only.
    Raises BackupRefused.
    """
    now = clock.now()
    target = parent / f"cbt-{now:%Y%m%dT%H%M%SZ}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise BackupRefused(f"{target} is there already.")
        work = Path(tempfile.mkdtemp(prefix=".cbt-", dir=parent))  # mode 0700: it holds everything about everybody
    except OSError as error:
        raise BackupRefused(f"User {os.getuid()} cannot write into {parent}: {error.strerror}.") from None
    try:
        manifest = _write(work)
        manifest["made_at"] = clock.iso(now)
        (work / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        for path in work.iterdir():
            path.chmod(0o600)
            _to_disk(path)
        work.rename(target)
        _to_disk(parent)
    except databases.ToolFailed as error:
        raise BackupRefused(str(error)) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Backup(target, manifest)


def _write(work: Path) -> dict[str, Any]:
    tables = databases.dump(work / DATABASE)
    with tarfile.open(work / FILES, "w") as archive:
        for name in FOLDERS:
            if (settings.DATA_DIR / name).is_dir():
                archive.add(settings.DATA_DIR / name, arcname=name)
    return {
        "format": FORMAT,
        "engine": databases.engine(),
        "migrations": _migrations(),
        "tables": tables,
        "sha256": {name: _sha256(work / name) for name in (DATABASE, FILES)},
    }


def backup_open(folder: Path) -> Backup:
    """Read a backup and make sure that it is whole. Raises BackupRefused."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BackupRefused(f"{folder} is no backup: {MANIFEST} is missing or cannot be read.") from None
    if manifest.get("format") != FORMAT:
        raise BackupRefused(f"{folder} has another format: {manifest.get('format')}.")
    for name, sha256 in manifest["sha256"].items():
        if not (folder / name).is_file() or _sha256(folder / name) != sha256:
            raise BackupRefused(f"{folder / name} is missing or was changed.")
    return Backup(folder, manifest)


def restore(backup: Backup) -> list[str]:
    """Fill the empty database and DATA_DIR from a backup; return what differs from it afterwards (nothing, or a fault).

    Raises BackupRefused: another engine, a database that is not empty, folders that hold files.
    """
    _check_place(backup)
    try:
        databases.load(backup.folder / DATABASE)
    except databases.ToolFailed as error:
        raise BackupRefused(str(error)) from None
    _unpack(backup, settings.DATA_DIR)
    return _compared(backup, fingerprint())


def _check_place(backup: Backup) -> None:
    if backup.manifest["engine"] != databases.engine():
        raise BackupRefused(f"The backup is of {backup.manifest['engine']}, this server runs on {databases.engine()}.")
    if not databases.is_empty():
        raise BackupRefused("The database has tables already. Restore into a new, empty one.")
    for name in FOLDERS:
        folder = settings.DATA_DIR / name
        if folder.is_dir() and any(path.is_file() for path in folder.rglob("*")):
            raise BackupRefused(f"{folder} holds files already. Restore into a new DATA_DIR.")


def drill(backup: Backup) -> list[str]:
    """Restore into a scratch database and a scratch folder, compare, and remove both; return what differs."""
    # Beside the backup, where there is room for one: /tmp may be memory, as it is in the containers.
    beside = backup.folder.parent if os.access(backup.folder.parent, os.W_OK) else None
    scratch = tempfile.TemporaryDirectory(prefix=".cbt-drill-", dir=beside)
    with scratch as name, databases.scratch_database(Path(name)) as alias:
        try:
            databases.load(backup.folder / DATABASE, alias)
        except databases.ToolFailed as error:
            raise BackupRefused(str(error)) from None
        _unpack(backup, Path(name) / "data")
        return _compared(backup, fingerprint(alias))


def _compared(backup: Backup, found: Prints) -> list[str]:
    return differences(backup.manifest["tables"], found)


def _unpack(backup: Backup, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    # Python 3.11.0 to 3.11.3 know no filters; what they would stop is refused before in any case.
    extra: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(backup.folder / FILES) as archive:
        members = archive.getmembers()
        for member in members:
            path = Path(member.name)
            if not (member.isfile() or member.isdir()) or path.is_absolute() or ".." in path.parts:
                raise BackupRefused(f"{FILES} holds what no backup of ours does: {member.name}")
        archive.extractall(target, members, **extra)  # noqa: S202 - looked at one by one


def _migrations() -> list[str]:
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
