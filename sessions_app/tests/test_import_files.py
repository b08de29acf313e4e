"""Uploaded lists: what is read of honest ones, and that hostile ones are refused and hurt nobody."""

import gc
import importlib.util
import subprocess
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from cbt.kernel import sheets, spreadsheets
from cbt.kernel.errors import DomainError
from sessions_app.engine.import_rows import EMAIL_HEADERS, NAME_HEADERS, ImportRow, check_rows, ids_of, with_company
from sessions_app.tests.lists import (
    HEADER,
    HOSTILE,
    MIB,
    OLD_WORKBOOK,
    csv_of,
    list_of,
    people,
    upload,
    xlsx_of,
)  # fmt: skip
from tenants.tests.factories import make_company, make_tenant_admin
from tests.support import error_of

HAS_XLRD = importlib.util.find_spec("xlrd") is not None


def read(data: bytes, name: str = "peserta.xlsx") -> list[tuple]:
    table = spreadsheets.read_table(upload(data, name), [NAME_HEADERS, EMAIL_HEADERS])
    return [(row.number, *row.cells) for row in table]


def refusal(data: bytes, name: str) -> str:
    with pytest.raises(DomainError) as caught:
        read(data, name)
    assert caught.value.message
    return caught.value.details["reason"]


# --- honest files -----------------------------------------------------------------------------------
def test_xlsx__then_texts_of_the_wanted_columns_with_sheet_rows():
    rows = [
        ("No", " NAMA ", "Kota", "E-Mail"),
        (1, "  Siti Aminah ", "Bandung", "siti@example.com\u00a0"),
        (None, None, None, None),
        (2, 12, None, True),
        (3, 7.0, None, date(1999, 5, 17)),
        (4, Decimal("1.5"), None, None),
    ]
    assert read(xlsx_of(rows)) == [
        (2, "Siti Aminah", "siti@example.com"),
        (4, "12", "TRUE"),
        (5, "7", "1999-05-17T00:00:00"),
        (6, "1.5", ""),
    ]


def test_xlsx__when_a_cell_is_a_formula__then_its_stored_value_counts_and_nothing_is_computed():
    assert read(list_of(("=1+1", "siti@example.com"))) == [(2, "", "siti@example.com")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_csv__then_read_in_every_usual_form(delimiter, encoding):
    data = csv_of([("email", "full name"), ("a@example.com", "José"), ("", ""), ("b@example.com", "")],
                  delimiter=delimiter, encoding=encoding)  # fmt: skip
    assert read(data, "a.CSV") == [(2, "José", "a@example.com"), (4, "", "b@example.com")]


def test_csv__when_quoted__then_one_record_may_have_lines_and_delimiters():
    data = b'name,email\n"Aminah, Siti\nNur",a@example.com\nBudi,b@example.com\n'
    assert read(data, "a.csv") == [(2, "Aminah, Siti\nNur", "a@example.com"), (3, "Budi", "b@example.com")]


def test_table__when_a_column_is_missing__then_its_texts_are_empty():
    assert read(csv_of([("nama",), ("Siti",)]), "a.csv") == [(2, "Siti", "")]


def test_table__when_ten_thousand_rows__then_read():
    assert len(read(list_of(*people(10_000)))) == 10_000


def test_xls__then_read_where_the_library_is_installed_else_refused_with_advice():
    if HAS_XLRD:
        assert read(OLD_WORKBOOK, "a.xls") == [
            (2, "Siti Aminah", "siti@example.com"), (4, "12", "budi@example.com"), (5, "1999-05-17T00:00:00", "TRUE"),
        ]  # fmt: skip
    else:
        assert refusal(OLD_WORKBOOK, "a.xls") == "XLS_NOT_SUPPORTED"


def test_xls__when_it_has_macros_or_a_password__then_refused():
    assert refusal(OLD_WORKBOOK + "_VBA_PROJECT".encode("utf-16-le"), "a.xls") == "MACROS"
    assert refusal(OLD_WORKBOOK + "EncryptedPackage".encode("utf-16-le"), "a.xls") == "ENCRYPTED"


def test_csv__when_written_by_our_export__then_texts_come_back_as_they_were():
    names = ["=1+1", "'=1+1", "''@x", "+62", "-", "@SUM(A1)", "＝cmd", "'tis", "O'Neil", '"quoted"', "a,b;c"]  # noqa: RUF001
    rows = [(name, f"p{number}@example.com") for number, name in enumerate(names)]
    assert [row[1] for row in read(sheets.csv_bytes(HEADER, rows), "a.csv")] == names
    assert [row[1] for row in read(sheets.xlsx("x", HEADER, rows))] == names


# --- hostile files ----------------------------------------------------------------------------------
def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file__then_refused_with_a_reason_in_time_and_this_process_is_unharmed(api, name):
    make, reason = HOSTILE[name]
    tenant = make_tenant_admin(make_company())
    client = api.as_(tenant)
    file = upload(make(), name)
    gc.collect()
    before, started = resident_bytes(), time.monotonic()
    body = error_of(client.upload("/api/participants/import-preview", {"file": file}), 422, "FILE_REJECTED")
    assert time.monotonic() - started < 30
    assert resident_bytes() - before < 30 * MIB
    assert body["errors"]["file"] == [body["message"]]
    assert reason in {"*", body["details"]["reason"]}


def test_reader__when_it_takes_too_long__then_ended_and_refused(monkeypatch):
    monkeypatch.setattr(spreadsheets, "WALL_SECONDS", 0.01)
    assert refusal(list_of(*people(1)), "a.xlsx") == "TOO_SLOW"


def test_reader__when_it_dies__then_the_file_is_refused(monkeypatch, tmp_path):
    child = tmp_path / "child.py"
    child.write_text("import os; os.abort()")
    monkeypatch.setattr(spreadsheets, "CHILD", child)
    assert refusal(list_of(*people(1)), "a.xlsx") == "UNREADABLE"


def test_reader__when_it_wants_too_much_memory__then_the_system_refuses_it(monkeypatch, tmp_path):
    """The limit itself, not the checks before it: without `limit_process` this child answers."""
    source = spreadsheets.CHILD.read_text()
    greedy = tmp_path / "child.py"
    hungry = 'READERS["csv"] = lambda file: iter([["name"], ["x" if len(bytes(600 * 1024 * 1024)) else ""]])\n'
    greedy.write_text(source.replace('if __name__ == "__main__":', f'{hungry}if __name__ == "__main__":'))
    monkeypatch.setattr(spreadsheets, "CHILD", greedy)
    assert refusal(b"x", "a.csv") == "TOO_LARGE_UNPACKED"
    greedy.write_text(greedy.read_text().replace("    limit_process()\n", ""))
    assert read(b"x", "a.csv") == [(2, "x", "")]


def test_reader__then_knows_no_secrets_of_the_server(monkeypatch):
    seen = []
    real = subprocess.Popen
    monkeypatch.setattr(spreadsheets.subprocess, "Popen", lambda *a, **k: seen.append(k) or real(*a, **k))
    read(list_of(*people(1)))
    assert seen[0]["env"] == {"LANG": "C.UTF-8"}


def test_reader__when_all_places_are_taken__then_asked_to_come_again(monkeypatch):
    monkeypatch.setattr(spreadsheets, "WAIT_SECONDS", 0.01)
    for _ in range(2):
        assert spreadsheets._slots.acquire(blocking=False)
    try:
        with pytest.raises(DomainError) as caught:
            read(list_of(*people(1)))
    finally:
        spreadsheets._slots.release(2)
    assert (caught.value.code, caught.value.retry_after) == ("UNAVAILABLE", 10)


# --- rules ------------------------------------------------------------------------------------------
def judged(*rows: tuple[str, str]) -> list[tuple[str, ...]]:
    numbered = [(number, *row) for number, row in enumerate(rows, 2)]
    return [row.errors for row in check_rows(numbered, is_email=lambda text: "@" in text)]


def test_rows__then_every_fault_in_the_contracts_words():
    assert judged(("", ""), ("a", ""), ("", "a@b"), ("a", "ab"), ("n" * 256, "c@d"), ("a", "a" * 255 + "@")) == [
        ("Name is required", "Email is required"),
        ("Email is required",),
        ("Name is required",),
        ("Invalid email format",),
        ("Name must not be greater than 255 characters",),
        ("Invalid email format",),
    ]


def test_rows__when_an_address_comes_twice_in_any_case__then_the_first_valid_row_counts():
    assert judged(("", "a@b"), ("x", "A@b"), ("y", "a@B")) == [
        ("Name is required",), (), ("Email already exists in row 3",),
    ]  # fmt: skip


def test_company__then_taken_addresses_and_places_in_the_order_of_the_file():
    rows = [ImportRow(n, "x", f"P{n}@b", ("Bad",) if n == 3 else ()) for n in range(2, 7)]
    verdicts = with_company(rows, taken={"p2@b"}, places=1)
    assert [row.errors for row in verdicts] == [
        ("Email already exists",), ("Bad",), (), ("User quota exceeded",), ("User quota exceeded",),
    ]  # fmt: skip
    assert with_company(rows[:1], taken=set(), places=None)[0].errors == ("No active subscription found",)


@pytest.mark.parametrize(
    ("texts", "ids"),
    [
        (["[1, 2]"], [1, 2]), (["1", "2"], [1, 2]), (["1,2"], [1, 2]), (["[]"], []), (['["1","2"]'], [1, 2]),
        (["x"], None), (["1;2"], None), (["-1"], None), (["1,,2"], None), (["9" * 19], None), (["²"], None),
    ],
)  # fmt: skip
def test_ids__then_every_documented_spelling(texts, ids):
    assert ids_of(texts) == ids
