"""Tables as .xlsx and .csv in which nothing a stranger typed can become a live formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import IllegalCharacterError

Cell = str | int | float | Decimal | bool | datetime | None
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV_TYPE = "text/csv; charset=utf-8"
_LIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - full-width forms are live too


def xlsx(title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return a workbook with one sheet; texts are string cells, whatever they begin with."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.append([_text_cell(sheet, name) for name in header])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _cell(sheet: Any, value: Cell) -> Any:
    if isinstance(value, str):
        return _text_cell(sheet, value)
    if isinstance(value, datetime):
        return _text_cell(sheet, value.strftime("%Y-%m-%d %H:%M:%S"))
    return float(value) if isinstance(value, Decimal) else value


def _text_cell(sheet: Any, text: str) -> Any:
    try:
        cell = WriteOnlyCell(sheet, value=text[:32_000])
    except IllegalCharacterError:
        cell = WriteOnlyCell(sheet, value="".join(c for c in text[:32_000] if c.isprintable() or c in "\n\t"))
    cell.data_type = "s"
    return cell


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return comma-separated UTF-8 with a mark for spreadsheet programs; texts that would be formulas get a ``'``."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    for row in rows:
        writer.writerow([_csv_value(value) for value in row])
    return buffer.getvalue().encode("utf-8-sig")


def _csv_value(value: Cell) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, str) and value.lstrip("'").startswith(_LIVE):
        return f"'{value}"
    return value


def csv_text(text: str) -> str:
    """Return the text that `csv_bytes` wrote like this: without the ``'`` before what would be a formula."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_LIVE) else text
