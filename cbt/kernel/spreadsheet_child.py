"""Reads one uploaded table. Run as a script, in a process of its own that may be killed: see `cbt.kernel.spreadsheets`.

Standard input is the file, standard output one JSON object: {"rows": [[sheet row, text, ...]]} or
{"code": "...", "reason": "..."}. The one argument is JSON: {"kind", "columns": [[header names], ...], "max_rows"}.
Nothing of the project is imported here, and no library before the limits are set.
"""

import csv
import datetime as dt
import io
import json
import os
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 20
ANSWER_BYTES = 32 * 1024 * 1024
MAX_COLUMNS = 64  # where headers are looked for
MAX_SHEET_ROWS = 1_048_576
MAX_TEXT = 300  # more than any column of ours holds, so that "too long" can still be told
MAX_PARTS = 1000
MAX_UNPACKED_BYTES = 50 * 1024 * 1024
MAX_RATIO = 150  # of parts above 1 MiB
MAX_TAGS = 3_000_000  # opening and closing; 10,000 rows of 30 columns with texts of their own have 2.4 million
MIB = 1024 * 1024
OLE_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
ZIP_MAGIC = b"PK\x03\x04"
TOO_LARGE = "The file unpacks to more than a list of participants can hold."


class Refused(Exception):
    """The file is not read; ``code`` for programs, ``reason`` for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def limit_process() -> None:
    """Bound memory, processor time and output of this process, whatever the libraries do."""
    import resource

    limits = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, ANSWER_BYTES),
        (resource.RLIMIT_AS, MEMORY_BYTES),
    ]
    for which, value in limits:
        try:
            resource.setrlimit(which, (value, value))
        except (ValueError, OSError):
            if sys.platform == "linux":  # other systems do not know every limit; servers run Linux
                raise


def text_of(value: Any) -> str:
    """Return a cell as a person reads it, trimmed and cut, without NUL, which PostgreSQL cannot store."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, dt.date | dt.time):
        value = value.isoformat()
    return str(value).replace("\x00", "").strip()[:MAX_TEXT].strip()


def header_of(value: Any) -> str:
    """Return a header in the form in which headers are compared."""
    return " ".join(text_of(value).lstrip("\ufeff").casefold().split())


def table(rows: Iterable[Sequence[Any]], columns: Sequence[Sequence[str]], max_rows: int) -> list[list[Any]]:
    """Return [sheet row, text of each wanted column] of every row that is not blank; row 1 is the header."""
    found: list[list[Any]] = []
    places: list[int | None] = []
    for number, row in enumerate(rows, 1):
        cells = row[:MAX_COLUMNS]
        if number == 1:
            headers = [header_of(cell) for cell in cells]
            places = [next((i for i, name in enumerate(headers) if name in names), None) for names in columns]
        elif any(cells) and any(text_of(cell) for cell in cells):
            if len(found) >= max_rows:
                raise Refused("TOO_MANY_ROWS", f"The file has more than {max_rows} rows. Please split it.")
            found.append([number, *(text_of(cells[p]) if p is not None and p < len(cells) else "" for p in places)])
    return found


# --- .xlsx ------------------------------------------------------------------------------------------
def xlsx_rows(file: BinaryIO) -> Iterator[Sequence[Any]]:
    """Yield the rows of the first sheet, as values."""
    head = file.read(8)
    if head == OLE_MAGIC:
        if "EncryptedPackage".encode("utf-16-le") in file.read():
            raise Refused("ENCRYPTED", "The file is protected by a password. Please save it without one.")
        raise Refused("WRONG_TYPE", "The file is an old .xls workbook named .xlsx. Please save it as .xlsx.")
    if not head.startswith(ZIP_MAGIC):
        raise Refused("WRONG_TYPE", "The file is not an .xlsx workbook.")
    check_archive(file)
    file.seek(0)
    import openpyxl

    book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False, keep_vba=False)
    if not book.worksheets:
        raise Refused("NO_SHEET", "The workbook has no sheet.")
    yield from book.worksheets[0].iter_rows(max_col=MAX_COLUMNS, max_row=MAX_SHEET_ROWS, values_only=True)


def check_archive(file: BinaryIO) -> None:
    """Look through the archive before any library does: the directory first, then every byte, counted."""
    file.seek(0)
    archive = zipfile.ZipFile(file)
    parts = archive.infolist()
    if len(parts) > MAX_PARTS:
        raise Refused("TOO_MANY_PARTS", "The workbook has too many parts.")
    if len({part.filename for part in parts}) != len(parts):
        raise Refused("UNREADABLE", "The workbook is damaged.")
    if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise Refused("TOO_LARGE_UNPACKED", TOO_LARGE)
    for part in parts:
        check_part(part)
    unpacked = tags = 0
    for part in parts:
        size, tags_of_part = check_content(archive, part)
        unpacked += size
        tags += tags_of_part
        # Each tag may become an object of the reader: a small file within the bound of bytes can still fill the memory.
        if unpacked > MAX_UNPACKED_BYTES or tags > MAX_TAGS:
            raise Refused("TOO_LARGE_UNPACKED", TOO_LARGE)


def check_part(part: zipfile.ZipInfo) -> None:
    """Refuse a part by what the directory says of it."""
    name = part.filename.lower()
    if part.flag_bits & 1:
        raise Refused("ENCRYPTED", "The file is protected by a password. Please save it without one.")
    if part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Refused("UNREADABLE", "The workbook is packed in an unusual way.")
    if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
        raise Refused("UNSAFE_NAMES", "The workbook has parts with unsafe names.")
    if "vbaproject" in name or "/macrosheets/" in name:
        raise Refused("MACROS", "The workbook contains macros. Please save it as .xlsx without macros.")
    if "/embeddings/" in name or name.endswith((".zip", ".xlsx", ".xlsm", ".xls", ".docx", ".gz", ".7z")):
        raise Refused("EMBEDDED_FILES", "The workbook contains other files.")
    if "/externallinks/" in name:
        raise Refused("EXTERNAL_LINKS", "The workbook refers to other workbooks. Please save a copy with values only.")
    if part.file_size > MIB and part.file_size > MAX_RATIO * max(part.compress_size, 1):
        raise Refused("TOO_LARGE_UNPACKED", TOO_LARGE)


def check_content(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> tuple[int, int]:
    """Unpack one part without keeping it, comparing its checksum; return its real size and a bound on its tags."""
    size, tags, tail = 0, 0, b""
    with archive.open(part) as stream:
        while chunk := stream.read(MIB):
            if not size and chunk.startswith((ZIP_MAGIC, OLE_MAGIC)):
                raise Refused("EMBEDDED_FILES", "The workbook contains other files.")
            size += len(chunk)
            tags += chunk.count(b"<")
            seen = tail + chunk
            if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen:
                raise Refused("ENTITIES", "The workbook declares entities, which no spreadsheet program writes.")
            if b"macroEnabled" in seen and part.filename == "[Content_Types].xml":
                raise Refused("MACROS", "The workbook contains macros. Please save it as .xlsx without macros.")
            tail = seen[-16:]
    return size, tags


# --- .xls -------------------------------------------------------------------------------------------
def xls_rows(file: BinaryIO) -> Iterator[Sequence[Any]]:
    """Yield the rows of the first sheet of an old workbook, as values."""
    data = file.read()
    if not data.startswith(OLE_MAGIC):
        raise Refused("WRONG_TYPE", "The file is not an .xls workbook. Please save it as .xlsx or .csv.")
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise Refused("ENCRYPTED", "The file is protected by a password. Please save it without one.")
    if "_VBA_PROJECT".encode("utf-16-le") in data:
        raise Refused("MACROS", "The workbook contains macros. Please save it as .xlsx without macros.")
    try:
        import xlrd
    except ImportError:
        raise Refused(
            "XLS_NOT_SUPPORTED", "Old .xls workbooks cannot be read here. Please save it as .xlsx or .csv."
        ) from None
    try:
        book = xlrd.open_workbook(file_contents=data, on_demand=True, ragged_rows=True, logfile=io.StringIO())
    except xlrd.XLRDError as error:
        if "encrypted" in str(error).lower():
            raise Refused("ENCRYPTED", "The file is protected by a password. Please save it without one.") from None
        raise
    sheet = book.sheet_by_index(0)
    for index in range(sheet.nrows):
        yield [xls_value(xlrd, book, cell) for cell in sheet.row_slice(index, 0, MAX_COLUMNS)]


def xls_value(xlrd: Any, book: Any, cell: Any) -> Any:
    """Return the value of one cell of an old workbook."""
    if cell.ctype == xlrd.XL_CELL_DATE:
        return xlrd.xldate_as_datetime(cell.value, book.datemode)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "#ERROR")
    return cell.value


# --- .csv -------------------------------------------------------------------------------------------
def csv_rows(file: BinaryIO) -> Iterator[Sequence[Any]]:
    """Yield the records of a text table: UTF-8 or Windows-1252; comma, semicolon or tab."""
    data = file.read()
    if data.startswith((ZIP_MAGIC, OLE_MAGIC)):
        raise Refused("WRONG_TYPE", "The file is a workbook named .csv. Please save it as .csv.")
    text = decoded(data)
    if any(ord(sign) < 32 and sign not in "\t\r\n" for sign in set(text)):
        raise Refused("NOT_TEXT", "The file contains characters that do not belong into a text file.")
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise Refused("UNREADABLE", f"The file is not well-formed CSV: {error}.") from None


def decoded(data: bytes) -> str:
    """Return the text of a file in one of the two encodings that spreadsheet programs write."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data:
        raise Refused("NOT_TEXT", "The file is not a text file in UTF-8. Please save it as CSV UTF-8.")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("NOT_TEXT", "The file is not a text file in UTF-8. Please save it as CSV UTF-8.")


READERS = {"xlsx": xlsx_rows, "xls": xls_rows, "csv": csv_rows}


def answer_for(order: dict[str, Any], file: BinaryIO) -> dict[str, Any]:
    """Return what is to be told: the rows, or why there are none."""
    try:
        return {"rows": table(READERS[order["kind"]](file), order["columns"], order["max_rows"])}
    except Refused as refused:
        return {"code": refused.code, "reason": refused.reason}
    except MemoryError:
        return {"code": "TOO_LARGE_UNPACKED", "reason": TOO_LARGE}
    except Exception:  # noqa: BLE001 - readers raise anything on hostile files
        return {"code": "UNREADABLE", "reason": "The file is damaged or is not what its name says."}


def main() -> None:
    """Read the order and the file, write the answer."""
    limit_process()
    order = json.loads(sys.argv[1])
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a library that prints must not spoil the answer
    answer = json.dumps(answer_for(order, sys.stdin.buffer), ensure_ascii=False)
    with os.fdopen(answers, "wb") as out:
        out.write(answer.encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
