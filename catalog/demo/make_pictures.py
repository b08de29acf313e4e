"""Draws the pictures of the demo aptitude test and embeds them in `aptitude.json`.

Run `python -m catalog.demo.make_pictures` after changing a drawing; the document is rewritten in place. Every picture
is a PNG with a small palette, well under `PNG_BYTES_MAX`.
"""

import base64
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

DOCUMENT = Path(__file__).parent / "aptitude.json"
PNG_BYTES_MAX = 8 * 1024

INK = "#1f2937"
PAPER = "#ffffff"
FILL = "#3b82f6"
SIDE_LEFT = "#1d4ed8"
SIDE_RIGHT = "#93c5fd"
TILE = "#e5e7eb"

Cells = Sequence[tuple[int, int]]

SHAPE: Cells = ((0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 2))
"""A figure without any symmetry, so that its mirror image is never a rotation of it. Cells are (column, row)."""

HEIGHTS = ((3, 2, 1), (2, 1, 1), (1, 1, 0))
"""Cubes per column of the stack, back row first; no column hides another."""


def rotated(cells: Cells, quarter_turns: int) -> Cells:
    """The cells turned clockwise by quarter turns and moved back to the origin."""
    for _ in range(quarter_turns % 4):
        cells = [(-row, column) for column, row in cells]
    return _at_origin(cells)


def mirrored(cells: Cells) -> Cells:
    """The cells as seen in a mirror, moved back to the origin."""
    return _at_origin([(-column, row) for column, row in cells])


def _at_origin(cells: Cells) -> Cells:
    left = min(column for column, _ in cells)
    top = min(row for _, row in cells)
    return sorted((column - left, row - top) for column, row in cells)


def _canvas(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width, height), PAPER)
    return image, ImageDraw.Draw(image)


def _text(draw: ImageDraw.ImageDraw, centre: tuple[float, float], text: str, size: int = 26) -> None:
    draw.text(centre, text, fill=INK, font=ImageFont.load_default(size), anchor="mm")


def draw_series(labels: Sequence[str]) -> Image.Image:
    """A row of tiles with one label each."""
    image, draw = _canvas(20 + 74 * len(labels), 90)
    for index, label in enumerate(labels):
        left = 14 + 74 * index
        draw.rounded_rectangle((left, 14, left + 62, 76), radius=8, fill=TILE, outline=INK, width=2)
        _text(draw, (left + 31, 45), label)
    return image


def draw_shape(cells: Cells) -> Image.Image:
    """A figure of unit squares, centred."""
    image, draw = _canvas(150, 150)
    width = max(column for column, _ in cells) + 1
    height = max(row for _, row in cells) + 1
    left, top = (150 - 30 * width) // 2, (150 - 30 * height) // 2
    for column, row in cells:
        x, y = left + 30 * column, top + 30 * row
        draw.rectangle((x, y, x + 30, y + 30), fill=FILL, outline=INK, width=2)
    return image


def _draw_cell(draw: ImageDraw.ImageDraw, left: int, top: int, sides: int, dots: int) -> None:
    centre = (left + 45, top + 45)
    if sides == 0:
        draw.ellipse((left + 14, top + 14, left + 76, top + 76), outline=INK, width=3)
    else:
        draw.regular_polygon((*centre, 34), sides, outline=INK, width=3)
    first = centre[0] - 7 * (dots - 1)
    for index in range(dots):
        x, y = first + 14 * index, centre[1] + (6 if sides == 3 else 0)
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=FILL, outline=INK)


def draw_matrix() -> Image.Image:
    """Three by three cells: the outline changes by row, the dots by column; the last cell is asked for."""
    image, draw = _canvas(290, 290)
    for row, sides in enumerate((3, 4, 0)):
        for column in range(3):
            left, top = 10 + 90 * column, 10 + 90 * row
            draw.rectangle((left, top, left + 90, top + 90), outline=INK, width=2)
            if (row, column) == (2, 2):
                _text(draw, (left + 45, top + 45), "?", 40)
            else:
                _draw_cell(draw, left, top, sides, column + 1)
    return image


def draw_matrix_option(sides: int, dots: int) -> Image.Image:
    """One cell of the matrix."""
    image, draw = _canvas(110, 110)
    _draw_cell(draw, 10, 10, sides, dots)
    return image


def _draw_cube(draw: ImageDraw.ImageDraw, x: int, y: int) -> None:
    top = [(x, y), (x + 30, y - 15), (x + 60, y), (x + 30, y + 15)]
    draw.polygon(top, fill=FILL, outline=INK)
    draw.polygon([(x, y), (x + 30, y + 15), (x + 30, y + 49), (x, y + 34)], fill=SIDE_LEFT, outline=INK)
    draw.polygon([(x + 30, y + 15), (x + 60, y), (x + 60, y + 34), (x + 30, y + 49)], fill=SIDE_RIGHT, outline=INK)


def draw_cubes() -> Image.Image:
    """The stack of `HEIGHTS` cubes in parallel projection, drawn from the back to the front and from the ground up."""
    image, draw = _canvas(220, 230)
    for row, heights in enumerate(HEIGHTS):
        for column, height in enumerate(heights):
            for level in range(height):
                _draw_cube(draw, 80 + 30 * (column - row), 120 + 15 * (column + row) - 34 * level)
    return image


def pictures() -> Iterator[tuple[str, str, Image.Image]]:
    """Key, alternative text and drawing of every picture. Alternative texts do not give the answer away."""
    yield "series-squares", "Enam ubin: 3, 6, 11, 18, 27, tanda tanya", draw_series(["3", "6", "11", "18", "27", "?"])
    yield "shape", "Bangun dari enam persegi satuan", draw_shape(SHAPE)
    mirror = mirrored(SHAPE)
    shapes = {"a": rotated(mirror, 1), "b": rotated(SHAPE, 1), "c": rotated(mirror, 3), "d": rotated(mirror, 2)}
    for key, cells in shapes.items():
        yield f"shape-{key}", f"Bangun {key.upper()}", draw_shape(cells)
    yield "matrix", "Matriks tiga kali tiga; sel kanan bawah kosong", draw_matrix()
    cells_shown = {"a": (4, 3), "b": (0, 2), "c": (0, 3), "d": (3, 3)}
    names = {0: "Lingkaran", 3: "Segitiga", 4: "Persegi"}
    for key, (sides, dots) in cells_shown.items():
        yield f"matrix-{key}", f"{names[sides]} dengan {dots} titik", draw_matrix_option(sides, dots)
    yield "cubes", "Tumpukan kubus di sudut ruang, makin rendah ke depan", draw_cubes()


def as_png(image: Image.Image) -> bytes:
    """The drawing as a PNG of at most 32 colours. Raises `ValueError` above `PNG_BYTES_MAX`."""
    buffer = io.BytesIO()
    image.quantize(32).save(buffer, "PNG", optimize=True)
    content = buffer.getvalue()
    if len(content) > PNG_BYTES_MAX:
        raise ValueError(f"a picture of {len(content)} bytes is too large")
    return content


def main() -> None:
    """Draw every picture and write them into the document."""
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    document["pictures"] = {
        key: {"mime": "image/png", "alt": alt, "data_base64": base64.b64encode(as_png(image)).decode("ascii")}
        for key, alt, image in sorted(pictures(), key=lambda picture: picture[0])
    }
    DOCUMENT.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
