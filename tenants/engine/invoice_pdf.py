"""The printed invoice: one page of A4 in Indonesian with English beside it. Pure: what it shows comes in as values."""

import io
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import HRFlowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from tenants.engine.words import percent, rupiah_full, spelled_rupiah

INK, QUIET, LINE, BLUE = "#101828", "#667085", "#d0d5dd", "#1f6feb"
STATUS_COLORS = {"completed": "#067647", "overdue": "#b42318", "failed": "#b42318", "cancelled": QUIET}
MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN
FRAME_PADDING = 6  # of the library's own frame
MAX_TEXT, MAX_LINES = 400, 6


@dataclass(frozen=True, slots=True)
class Party:
    """Who bills or is billed. Lines below the name: as they are, empty ones left out."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One line of the table."""

    description: str
    quantity: int
    unit_price: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything the page shows. facts: (Indonesian label, English label, text) in the order they stand.

    how_to_pay: numbered steps as (Indonesian, English); none once nothing is owed.
    """

    number: str
    status: str
    status_id: str
    status_en: str
    issued_on: date
    issuer: Party
    billed: Party
    facts: tuple[tuple[str, str, str], ...]
    lines: tuple[SheetLine, ...]
    amount: Decimal
    tax_rate: Decimal
    tax_amount: Decimal
    total_amount: Decimal
    how_to_pay: tuple[tuple[str, str], ...]


def readable(text: str) -> str:
    """Return what the built-in fonts can show (Windows-1252): other letters lose their accents or become ``?``."""
    shown = []
    for char in unicodedata.normalize("NFC", text):
        if char in "\r\n\t" or unicodedata.category(char)[0] == "C":
            shown.append("\n" if char == "\n" else " ")
        else:
            shown.append(_in_font(char) or _in_font(unicodedata.normalize("NFKD", char)[0]) or "?")
    return "".join(shown)


def _in_font(char: str) -> str:
    return char.encode("cp1252", "ignore").decode("cp1252")


def _marked(text: str) -> str:
    """Return stored text as the page's markup: nothing in it is a tag, and what is endless is cut."""
    lines = [line.strip() for line in readable(text).split("\n") if line.strip()]
    if len(lines) > MAX_LINES:
        lines = [*lines[: MAX_LINES - 1], " ".join(lines[MAX_LINES - 1 :])]
    whole = "\n".join(lines)
    whole = whole if len(whole) <= MAX_TEXT else f"{whole[: MAX_TEXT - 3]}..."
    return escape(whole).replace("\n", "<br/>")


def _style(size: float, color: str = INK, *, bold: bool = False, right: bool = False) -> ParagraphStyle:
    return ParagraphStyle(
        "", fontName="Helvetica-Bold" if bold else "Helvetica", fontSize=size, leading=size * 1.35,
        textColor=colors.HexColor(color), alignment=TA_RIGHT if right else 0, splitLongWords=1,
    )  # fmt: skip


def _text(text: str, size: float = 9.5, color: str = INK, *, bold: bool = False, right: bool = False) -> Paragraph:
    return Paragraph(_marked(text), _style(size, color, bold=bold, right=right))


def _both(indonesian: str, english: str, size: float = 9, *, right: bool = False) -> Paragraph:
    """Label in Indonesian, the English one quieter behind it where it differs."""
    second = f' <font color="{QUIET}"><i>/ {_marked(english)}</i></font>' if english != indonesian else ""
    return Paragraph(_marked(indonesian) + second, _style(size, right=right))


def _columns(rows: list[list[Any]], widths: list[float], *styles: tuple[Any, ...]) -> Table:
    base: list[tuple[Any, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0), ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]  # fmt: skip
    return Table(rows, colWidths=widths, style=TableStyle([*base, *styles]))


def invoice_pdf(sheet: Sheet) -> bytes:
    """Return the PDF; the same sheet gives the same bytes."""
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer, pagesize=A4, topMargin=16 * mm, bottomMargin=18 * mm,
        leftMargin=MARGIN - FRAME_PADDING, rightMargin=MARGIN - FRAME_PADDING,
        title=f"Invoice {sheet.number}", author=readable(sheet.issuer.name), subject="Invoice", lang="id", invariant=1,
    )  # fmt: skip
    parts = (_head, _parties, _facts, _lines, _totals, _payment)
    story = [flowable for part in parts for flowable in part(sheet)]

    def foot(canvas: Any, _: Any) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(colors.HexColor(QUIET))
        canvas.drawString(MARGIN, 10 * mm, sheet.number)
        canvas.drawRightString(A4[0] - MARGIN, 10 * mm, f"Halaman / Page {canvas.getPageNumber()}")

    document.build(story, onFirstPage=foot, onLaterPages=foot)
    return buffer.getvalue()


def _head(sheet: Sheet) -> list[Any]:
    color = STATUS_COLORS.get(sheet.status, "#b54708")
    left = [_text(sheet.issuer.name, 13, BLUE, bold=True), *(_text(line, 8.5, QUIET) for line in sheet.issuer.lines)]
    right = [
        _text("INVOICE", 20, bold=True, right=True),
        Spacer(1, 5),
        _text(sheet.number, 10, right=True),
        Spacer(1, 2),
        _text(f"{sheet.status_id.upper()} / {sheet.status_en.upper()}", 9.5, color, bold=True, right=True),
    ]
    rule = HRFlowable(width="100%", thickness=1.5, color=colors.HexColor(BLUE), spaceBefore=4, spaceAfter=10)
    return [_columns([[left, right]], [WIDTH * 0.55, WIDTH * 0.45], ("RIGHTPADDING", (1, 0), (1, 0), 0)), rule]


def _parties(sheet: Sheet) -> list[Any]:
    label = _both("Ditagihkan kepada", "Billed to", 8.5)
    lines = [_text(line, 9, QUIET) for line in sheet.billed.lines]
    return [label, Spacer(1, 2), _text(sheet.billed.name, 11, bold=True), *lines, Spacer(1, 8)]


def _facts(sheet: Sheet) -> list[Any]:
    rows = [[_both(indonesian, english), _text(text)] for indonesian, english, text in sheet.facts]
    return [_columns(rows, [WIDTH * 0.38, WIDTH * 0.62]), Spacer(1, 10)]


def _lines(sheet: Sheet) -> list[Any]:
    head = [
        _both("Uraian", "Description", 8.5), _both("Jumlah", "Qty", 8.5, right=True),
        _both("Harga satuan", "Unit price", 8.5, right=True), _both("Total", "Total", 8.5, right=True),
    ]  # fmt: skip
    rows = [
        [
            _text(line.description), _text(f"{line.quantity:,}".replace(",", "."), right=True),
            _text(rupiah_full(line.unit_price), right=True), _text(rupiah_full(line.total), right=True),
        ]
        for line in sheet.lines
    ]  # fmt: skip
    table = _columns(
        [head, *rows], [WIDTH * 0.38, WIDTH * 0.15, WIDTH * 0.235, WIDTH * 0.235],
        ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#f2f4f7")), ("LEFTPADDING", (0, 0), (-1, -1), 6),
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, colors.HexColor(LINE)), ("TOPPADDING", (0, 0), (-1, -1), 4),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
    )  # fmt: skip
    table.repeatRows = 1
    return [table, Spacer(1, 6)]


def _totals(sheet: Sheet) -> list[Any]:
    rows = [
        [_both("Subtotal", "Subtotal"), _text(rupiah_full(sheet.amount), right=True)],
        [_both(f"PPN {percent(sheet.tax_rate)}", "VAT"), _text(rupiah_full(sheet.tax_amount), right=True)],
        [
            Paragraph(f'<b>Total</b> <font color="{QUIET}"><i>/ Total due</i></font>', _style(11)),
            _text(rupiah_full(sheet.total_amount), 12, bold=True, right=True),
        ],
    ]
    table = _columns(
        rows, [WIDTH * 0.25, WIDTH * 0.28], ("LINEABOVE", (0, 2), (-1, 2), 1, colors.HexColor(INK)),
        ("RIGHTPADDING", (1, 0), (1, -1), 6), ("TOPPADDING", (0, 2), (-1, 2), 5),
    )  # fmt: skip
    table.hAlign = "RIGHT"
    words = _both(f"Terbilang: {spelled_rupiah(sheet.total_amount)}", "in words", 8.5)
    return [table, Spacer(1, 4), words, Spacer(1, 14)]


def _payment(sheet: Sheet) -> list[Any]:
    if not sheet.how_to_pay:
        return []
    title = Paragraph(f'<b>Cara membayar</b> <font color="{QUIET}"><i>/ How to pay</i></font>', _style(10.5))
    steps: list[Any] = []
    for number, (indonesian, english) in enumerate(sheet.how_to_pay, start=1):
        steps += [_text(f"{number}. {indonesian}", 9), _text(english, 8.5, QUIET), Spacer(1, 3)]
    return [title, Spacer(1, 4), *steps]
