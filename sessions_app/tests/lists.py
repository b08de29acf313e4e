"""Uploaded lists of people: honest ones, and those that were made to hurt."""

import base64
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook

MIB = 1024 * 1024
HEADER = ("Nama", "Email")
#: A workbook of 1997, made with xlwt. No, Nama Lengkap, E-mail; rows 2 and 4 are people, row 5 a date and TRUE.
OLD_WORKBOOK = zlib.decompress(
    base64.b85decode(
        "c-rk)O-K|`9RI!fSl3P0UDH4VS%kJS4XQ(3bhI=tDO(-N2x@ePTK1FGpgNRg9)qA$(M7OB7pqGjR8Y4Lfl&t`2(*r!f`Sg}^nd@I"
        "F?TC)p(JB|!~4&BzxRIg{_{TP&Fks#?8N=XIh3FSDi-ZZ_?B^kLZzDsf%0uzM%}xgg6&~Vq0&zs>C^F~`c;MOL)qVRP;gIsK^FKx"
        ";W%>W&t|O1Dq=7DU<&C&J6VBS#01g6Ue&T4V!NL0T`u{QZ6`BV*|t;JS#b>0Mt{p5XA~b*nmI2B`P_%BdB@BS)Z?Wb#TT!MLRlSM"
        "`GlETV;N0a6(&I)+G}O3yiC{NHUhu^p{=j4t-E^`b=29D_-aRhFYc^<9`X3q<pqfUR?JuYhWAq^mh#sX4H$)ek|)VHYOqg}ITeUm"
        "!&ZL8oW}sqY8hyZ_h+lfm}xU|z{;FTnmOWo+R|nswGKF(7)eCB(us_DnwEuON_ARi&2%nhZ6C^}i5ff;FQNi+OW-9WRJ4Rt^VF&$"
        "8z+xsJj@d;MDH+v=kuGs!I*J^nNi+03Y*I&`7W?=Nh(Mj<Q$!?N}+`n+t^;_r*7nUBilMEN%v^1-ihoV<1$w`H%j&FV!SmrFN<%X"
        "`1q%TkDA6m8e1to)jM~-ZfeGuKr?N2anj3c46UM7+`J+2*l_Q{S%}`VZTM+X@+%?7ciY)PYp@`vAtB7Rkdmz<mQsq-R#GiW)EATh"
        "b75{}SzfSOT}nx{=BU*Y^)vEUWp$A4POe+(RMzQ^PWy#UV?`}5zR}&XU3JAztirx`D7APXou<Y22LkZm!Gi}69z1yP@Q*<hP6hl~"
        "s5u|oK0ZDa{_8AISoD6A{I@uSEL|gXsO&+8?s=RmYy510F5G8{6>8l7g%U@o_B@gpWIvK+k6$`~iRJIJVqxgdO`&q@Uo6MZzg+)!"
        "p;hSc"
    )
)

SHEET = "xl/worksheets/sheet1.xml"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def xlsx_of(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return a workbook with these rows."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Peserta")
    for row in rows:
        sheet.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def csv_of(rows: Iterable[Sequence[str]], *, delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    return "\r\n".join(delimiter.join(row) for row in rows).encode(encoding)


def people(count: int, *, first: int = 1) -> list[tuple[str, str]]:
    return [(f"Peserta {number}", f"peserta{number}@example.com") for number in range(first, first + count)]


def list_of(*rows: Sequence[str]) -> bytes:
    return xlsx_of([HEADER, *rows])


def upload(data: bytes, name: str = "peserta.xlsx") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def rebuilt(replace: dict[str, bytes] | None = None, add: dict[str, bytes] | None = None) -> bytes:
    """Return a good workbook with some parts replaced or added."""
    source = zipfile.ZipFile(io.BytesIO(list_of(("Siti", "siti@example.com"))))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, (replace or {}).get(name, source.read(name)))
        for name, data in (add or {}).items():
            target.writestr(name, data)
    return buffer.getvalue()


def sheet_xml(rows: str, before: str = "") -> bytes:
    return f'<?xml version="1.0"?>{before}<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>'.encode()


def inline(ref: str, text: str) -> str:
    return f'<c r="{ref}" t="inlineStr"><is><t>{text}</t></is></c>'


def many_rows() -> bytes:
    """4 million rows in about half a megabyte."""
    return rebuilt({SHEET: sheet_xml("<row><c><v>1</v></c></row>" * 4_000_000)})


def blank_rows() -> bytes:
    """As many blank rows as the limits of packed and unpacked bytes let through, and one person below them."""
    digits = random.Random(1).choices("0123456789", k=1_000_000)
    rows = "".join(f'<row ht="{digit}"><c s="{digit}"/></row>' for digit in digits)
    person = f'<row r="1048576">{inline("A1048576", "Siti")}{inline("B1048576", "siti@example.com")}</row>'
    return rebuilt({SHEET: sheet_xml(rows + person)})


def large_cell() -> bytes:
    """One cell of 100 MB in about 100 KB."""
    return rebuilt({SHEET: sheet_xml(f'<row r="1">{inline("A1", "x" * (100 * MIB))}</row>')})


def far_cell() -> bytes:
    """Two cells, the first and the last of a sheet."""
    near, far = inline("A1", "Nama"), inline("XFD1048576", "x")
    return rebuilt({SHEET: sheet_xml(f'<row r="1">{near}</row><row r="1048576">{far}</row>')})


def beyond_the_sheet() -> bytes:
    """A row number no sheet has, in front of which a naive reader fills in empty rows."""
    return rebuilt({SHEET: sheet_xml('<row r="99999999999"><c r="A99999999999"><v>1</v></c></row>')})


def billion_laughs() -> bytes:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    doctype = f'<!DOCTYPE x [<!ENTITY l0 "lol">{levels}]>'
    return rebuilt({SHEET: sheet_xml(f'<row r="1">{inline("A1", "&l9;")}</row>', doctype)})


def billion_laughs_utf16() -> bytes:
    """The same where a search for the letters does not find them."""
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY l0 "lol">{levels}]><worksheet {MAIN}>'
    text += f'<sheetData><row r="1">{inline("A1", "&l9;")}</row></sheetData></worksheet>'
    return rebuilt({SHEET: text.encode("utf-16")})


def outside_entity() -> bytes:
    doctype = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    return rebuilt({SHEET: sheet_xml(f'<row r="1">{inline("A1", "&e;")}</row>', doctype)})


def nested_archive() -> bytes:
    return rebuilt(add={"xl/media/image1.png": list_of(("a", "a@example.com"))})


def many_parts() -> bytes:
    return rebuilt(add={f"p{number}": b"" for number in range(45_000)})


def lying_sizes() -> bytes:
    """A part of 100 MB that says it has ten bytes."""
    data = large_cell()
    entry = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02"))
    patched = bytearray(data)
    while entry != -1:
        length = struct.unpack_from("<H", patched, entry + 28)[0]
        if patched[entry + 46 : entry + 46 + length] == SHEET.encode():
            struct.pack_into("<I", patched, entry + 24, 10)
        entry = patched.find(b"PK\x01\x02", entry + 46)
    return bytes(patched)


def large_strings() -> bytes:
    """100 MB of shared strings."""
    return with_strings(f"<si><t>{'z' * (100 * MIB)}</t></si>")


def many_strings() -> bytes:
    """Shared strings within the limits packed and unpacked, which grow twentyfold in memory."""
    digits = random.Random(2).choices("0123456789", k=2_000_000)
    strings = "".join(f"<si><t>{digit}</t></si>" for digit in digits)
    return with_strings(strings)


def with_strings(strings: str) -> bytes:
    """Return a workbook with these shared strings, declared as a spreadsheet program does."""
    source = zipfile.ZipFile(io.BytesIO(rebuilt()))
    kinds = source.read("[Content_Types].xml").decode()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    kinds = kinds.replace("</Types>", f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>')
    table = f"<sst {MAIN}>{strings}</sst>".encode()
    return rebuilt({"[Content_Types].xml": kinds.encode()}, {"xl/sharedStrings.xml": table})


def many_styles() -> bytes:
    """Styles within the limits packed and unpacked, each of which becomes an object."""
    sizes = random.Random(3).choices("123456789", k=1_200_000)
    fonts = "<fonts>" + "".join(f"<font><sz val='{size}'/></font>" for size in sizes) + "</fonts>"
    return rebuilt({"xl/styles.xml": f"<styleSheet {MAIN}>{fonts}</styleSheet>".encode()})


def unsafe_name() -> bytes:
    return rebuilt(add={"../../etc/cron.d/x": b"x"})


def macro() -> bytes:
    return rebuilt(add={"xl/vbaProject.bin": b"Attribute VB_Name"})


def outside_link() -> bytes:
    return rebuilt(add={"xl/externalLinks/externalLink1.xml": b"<externalLink/>"})


def encrypted() -> bytes:
    """What a spreadsheet program writes with a password: a compound file with an encrypted package."""
    return bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(512)


def old_workbook() -> bytes:
    return bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504) + "Workbook".encode("utf-16-le") + bytes(512)


def truncated() -> bytes:
    return list_of(*people(50))[:-400]


def noise() -> bytes:
    return random.Random(7).randbytes(20_000)


def too_many() -> bytes:
    return xlsx_of([HEADER, *people(10_001)])


def far_column() -> bytes:
    return rebuilt({SHEET: sheet_xml('<row r="1"><c r="ZZZZZZZZ1"><v>1</v></c></row>')})


#: name of the file: (its maker, reason it is refused for). "*": any reason.
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "many_rows.xlsx": (many_rows, "TOO_LARGE_UNPACKED"),
    "large_cell.xlsx": (large_cell, "TOO_LARGE_UNPACKED"),
    "far_cell.xlsx": (far_cell, "EMPTY"),
    "beyond_the_sheet.xlsx": (beyond_the_sheet, "EMPTY"),
    "far_column.xlsx": (far_column, "UNREADABLE"),
    "billion_laughs.xlsx": (billion_laughs, "ENTITIES"),
    "billion_laughs_utf16.xlsx": (billion_laughs_utf16, "UNREADABLE"),
    "outside_entity.xlsx": (outside_entity, "ENTITIES"),
    "nested_archive.xlsx": (nested_archive, "EMBEDDED_FILES"),
    "many_parts.xlsx": (many_parts, "TOO_MANY_PARTS"),
    "lying_sizes.xlsx": (lying_sizes, "UNREADABLE"),
    "large_strings.xlsx": (large_strings, "TOO_LARGE_UNPACKED"),
    "many_strings.xlsx": (many_strings, "TOO_LARGE_UNPACKED"),
    "many_styles.xlsx": (many_styles, "TOO_LARGE_UNPACKED"),
    "unsafe_name.xlsx": (unsafe_name, "UNSAFE_NAMES"),
    "macro.xlsx": (macro, "MACROS"),
    "outside_link.xlsx": (outside_link, "EXTERNAL_LINKS"),
    "encrypted.xlsx": (encrypted, "ENCRYPTED"),
    "renamed_xls.xlsx": (old_workbook, "WRONG_TYPE"),
    "renamed_xlsx.xls": (lambda: list_of(("a", "a@example.com")), "WRONG_TYPE"),
    "renamed_xlsx.csv": (lambda: list_of(("a", "a@example.com")), "WRONG_TYPE"),
    "macros.xlsm": (macro, "WRONG_TYPE"),
    "truncated.xlsx": (truncated, "UNREADABLE"),
    "noise.xlsx": (noise, "WRONG_TYPE"),
    "noise.csv": (noise, "NOT_TEXT"),
    "noise.xls": (noise, "WRONG_TYPE"),
    "nul.csv": (lambda: b"name,email\nSi\x00ti,siti@example.com\n", "NOT_TEXT"),
    "control.csv": (lambda: b"name,email\nSi\x07ti,siti@example.com\n", "NOT_TEXT"),
    "utf16.csv": (lambda: csv_of([HEADER, ("Siti", "s@example.com")], encoding="utf-16"), "NOT_TEXT"),
    "open_quote.csv": (lambda: b'name,email\n"Siti,siti@example.com\n', "UNREADABLE"),
    "long_field.csv": (lambda: b"name,email\n" + b"x" * 200_000 + b",a@example.com\n", "UNREADABLE"),
    "nothing.xlsx": (lambda: b"", "EMPTY"),
    "too_many.xlsx": (too_many, "TOO_MANY_ROWS"),
    "too_many.csv": (lambda: csv_of([HEADER, *people(10_001)]), "TOO_MANY_ROWS"),
    "too_large.csv": (lambda: b"name,email\n" + b"a,a@example.com\n" * 400_000, "TOO_LARGE"),
    "page.html": (lambda: b"<table></table>", "WRONG_TYPE"),
}
