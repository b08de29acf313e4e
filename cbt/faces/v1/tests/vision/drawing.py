"""People of nobody, drawn: each has a geometry and colours of their own, each picture another light, angle and mood.

Made to look enough like a face for a detector of edges, with eye corners and nose known to the pixel.
"""

import colorsys
import io
import math
import random
from dataclasses import dataclass, field

from PIL import Image, ImageDraw, ImageFilter

SIZE = 360
#: Drawn this much larger, then scaled down: smooth edges.
FINE = 2
Colour = tuple[int, int, int]
Point = tuple[float, float]


def _tint(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return int(255 * red), int(255 * green), int(255 * blue)


def _shade(colour: Colour, factor: float) -> Colour:
    return tuple(min(255, int(part * factor)) for part in colour)


@dataclass(frozen=True)
class Person:
    """Somebody drawn, always the same for the same number. Lengths in units of half the distance of the eyes."""

    number: int
    looks: dict = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, number: int) -> "Person":
        """Return the person with this number."""
        rng = random.Random(f"person {number}")
        value = rng.uniform(0.42, 0.98)
        skin = _tint(rng.uniform(0.02, 0.11), rng.uniform(0.15, 0.6), value)
        return cls(number, {
            "skin": skin,
            "hair": _tint(rng.random(), rng.uniform(0.1, 0.9), rng.uniform(0.05, 0.6)),
            "eyes": _tint(rng.random(), rng.uniform(0.3, 1.0), rng.uniform(0.1, 0.7)),
            "lips": _tint(rng.uniform(0.95, 1.02) % 1, rng.uniform(0.3, 0.7), value * rng.uniform(0.55, 0.8)),
            "shirt": _tint(rng.random(), rng.uniform(0.2, 0.9), rng.uniform(0.3, 0.9)),
            "wide": rng.uniform(1.85, 2.35),
            "chin": rng.uniform(3.3, 4.0),
            "forehead": rng.uniform(1.5, 2.1),
            "eye": rng.uniform(0.5, 0.62),
            "eye_high": rng.uniform(0.22, 0.36),
            "brow": rng.uniform(0.55, 0.85),
            "brow_thick": rng.uniform(0.1, 0.3),
            "brow_tilt": rng.uniform(-0.15, 0.15),
            "nose": rng.uniform(1.5, 1.8),
            "nose_wide": rng.uniform(0.32, 0.62),
            "mouth": rng.uniform(0.65, 1.15),
            "mouth_at": rng.uniform(2.3, 2.6),
            "lip": rng.uniform(0.16, 0.34),
            "fringe": rng.uniform(0.0, 0.9),
            "long": rng.random() < 0.4,
            "bald": rng.random() < 0.12,
            "glasses": rng.choice((None, None, (20, 20, 25), (110, 50, 20), (170, 30, 40), (30, 60, 170))),
            "moustache": rng.random() < 0.22,
            "beard": rng.random() < 0.08,
            "mole": (rng.uniform(-1.3, 1.3), rng.uniform(0.8, 2.6)) if rng.random() < 0.3 else None,
        })  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """A picture and where its five landmarks are, in dlib's order: right eye (outer, inner), left eye, nose."""

    image: Image.Image
    points: list[Point]

    def encoded(self, fmt: str = "JPEG", **options: int) -> bytes:
        """Return the bytes of its file."""
        return encoded(self.image, fmt, **options)


def encoded(image: Image.Image, fmt: str = "JPEG", **options: int) -> bytes:
    """Return the bytes of a picture's file."""
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def picture(number: int, take: int, *, turn: float | None = None, size: int = SIZE) -> Drawn:
    """Draw person ``number`` for the ``take``-th time.

    turn: degrees the head is tilted; by itself up to 8 either way.
    """
    rng = random.Random(f"take {number} {take}")
    unit = size * FINE * rng.uniform(0.125, 0.15)
    middle = (size * FINE * rng.uniform(0.45, 0.55), size * FINE * rng.uniform(0.4, 0.46))
    angle = math.radians(rng.uniform(-8, 8) if turn is None else turn)
    wall = _tint(rng.random(), rng.uniform(0, 0.4), rng.uniform(0.3, 0.9))
    brush = _Brush(Image.new("RGB", (size * FINE,) * 2, wall), middle, unit, angle)
    points = _draw(brush, Person.of(number).looks, rng)
    image = brush.image.resize((size, size), Image.Resampling.LANCZOS)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.6, 1.4)))
    return Drawn(_lit(image, rng), [(x / FINE, y / FINE) for x, y in points])


def side_by_side(*images: Image.Image) -> Image.Image:
    """Put pictures of one height beside one another."""
    joined = Image.new("RGB", (sum(image.width for image in images), images[0].height))
    for index, image in enumerate(images):
        joined.paste(image, (sum(before.width for before in images[:index]), 0))
    return joined


@dataclass
class _Brush:
    """Draws in the face's own coordinates: the eyes at (-1, 0) and (1, 0), y downwards."""

    image: Image.Image
    middle: Point
    unit: float
    angle: float

    def __post_init__(self) -> None:
        self.draw = ImageDraw.Draw(self.image)

    def at(self, x: float, y: float) -> Point:
        """Return the pixel of a place on the face."""
        sin, cos = math.sin(self.angle), math.cos(self.angle)
        return self.middle[0] + self.unit * (cos * x - sin * y), self.middle[1] + self.unit * (sin * x + cos * y)

    def shape(self, points: list[Point], colour: Colour) -> None:
        """Fill a polygon."""
        self.draw.polygon([self.at(*point) for point in points], fill=colour)

    def oval(self, x: float, y: float, wide: float, high: float, colour: Colour, power: float = 2) -> None:
        """Fill an ellipse of these half axes; a larger power makes it boxier."""
        self.shape(_oval(x, y, wide, high, power), colour)

    def line(self, points: list[Point], colour: Colour, thick: float) -> None:
        """Draw a line through places."""
        self.draw.line([self.at(*point) for point in points], fill=colour, width=max(1, round(thick * self.unit)),
                       joint="curve")  # fmt: skip


def _oval(x: float, y: float, wide: float, high: float, power: float = 2) -> list[Point]:
    turns = [2 * math.pi * step / 48 for step in range(48)]
    return [(x + wide * math.copysign(abs(math.cos(t)) ** (2 / power), math.cos(t)),
             y + high * math.copysign(abs(math.sin(t)) ** (2 / power), math.sin(t))) for t in turns]  # fmt: skip


def _draw(brush: _Brush, looks: dict, rng: random.Random) -> list[Point]:
    skin, hair, wide, chin = looks["skin"], looks["hair"], looks["wide"], looks["chin"]
    dark = _shade(skin, 0.72)
    brush.oval(0, chin + 2.6, 3.6, 2.2, looks["shirt"], 2.6)
    brush.shape([(-1, chin - 1), (1, chin - 1), (1.1, chin + 1.2), (-1.1, chin + 1.2)], dark)
    if not looks["bald"]:
        brush.oval(0, -0.3, wide + 0.35, looks["forehead"] + 0.9, hair)
        if looks["long"]:
            brush.oval(0, 1.2, wide + 0.45, 2.9, hair, 3)
    high = (chin + looks["forehead"]) / 2
    centre = high - looks["forehead"]
    for side in (-1, 1):
        brush.oval(side * wide, 0.5, 0.28, 0.6, dark)
    brush.oval(0, centre, wide, high, skin, 2.3)
    if looks["beard"]:
        brush.shape([point for point in _oval(0, centre, wide, high, 2.3) if point[1] > 1.6], hair)
        brush.oval(0, 1.3, wide * 0.82, 0.95, skin)
    if not looks["bald"]:
        brush.oval(0, -looks["forehead"] - 0.3 + looks["fringe"] * 0.3, wide * 0.9, 0.5 + looks["fringe"] * 0.3, hair)
    corners = _eyes(brush, looks, rng)
    nose = _nose(brush, looks, dark)
    _mouth(brush, looks, rng)
    if looks["mole"]:
        brush.oval(*looks["mole"], 0.09, 0.09, _shade(skin, 0.35))
    return [*corners, nose]


def _eyes(brush: _Brush, looks: dict, rng: random.Random) -> list[Point]:
    half, high = looks["eye"], looks["eye_high"] * rng.uniform(0.8, 1.1)
    raised, gaze = rng.uniform(-0.06, 0.12), rng.uniform(-0.1, 0.1)
    dark = _shade(looks["skin"], 0.72)
    for side in (-1, 1):
        brush.oval(side, -0.05, half + 0.16, high + 0.2, dark)
        brush.oval(side, 0, half, high, (236, 236, 232))
        brush.oval(side + gaze, 0, high * 0.85, high * 0.95, looks["eyes"])
        brush.oval(side + gaze, 0, high * 0.42, high * 0.45, (10, 10, 12))
        brush.oval(side + gaze + 0.08, -0.08, 0.06, 0.06, (250, 250, 250))
        tilt, y = looks["brow_tilt"], -looks["brow"] - raised
        brush.line([(side * 0.4, y + tilt), (side, y - 0.08), (side * 1.65, y - tilt + 0.05)],
                   _shade(looks["hair"], 0.8), looks["brow_thick"])  # fmt: skip
        if looks["glasses"]:
            brush.line([*_oval(side, 0.05, 0.82, 0.62, 3), (side + 0.82, 0.05)], looks["glasses"], 0.09)
    if looks["glasses"]:
        brush.line([(-0.2, -0.05), (0.2, -0.05)], looks["glasses"], 0.09)
    return [brush.at(x, 0) for x in (1 + half, 1 - half, -1 - half, -1 + half)]


def _nose(brush: _Brush, looks: dict, dark: Colour) -> Point:
    end, wide = looks["nose"], looks["nose_wide"]
    brush.shape([(-0.14, 0.1), (0.14, 0.1), (wide, end - 0.12), (-wide, end - 0.12)], _shade(looks["skin"], 0.86))
    brush.shape([(-0.06, 0), (0.08, 0), (0.16, end - 0.2), (-0.1, end - 0.2)], _shade(looks["skin"], 1.06))
    for side in (-1, 1):
        brush.oval(side * wide * 0.55, end - 0.1, 0.14, 0.1, _shade(dark, 0.55))
    if looks["moustache"]:
        brush.oval(0, (end + looks["mouth_at"]) / 2 + 0.04, looks["mouth"] * 0.9, 0.2, looks["hair"])
    return brush.at(0, end)


def _mouth(brush: _Brush, looks: dict, rng: random.Random) -> None:
    half, y, lip = looks["mouth"] * rng.uniform(0.95, 1.08), looks["mouth_at"], looks["lip"]
    smile, gape = rng.uniform(-0.1, 0.2), rng.choice((0, 0, rng.uniform(0.05, 0.25)))
    steps = [-1 + step / 8 for step in range(17)]
    bend = {x: -smile * x * x for x in steps}
    upper = [(half * x, y + bend[x] - lip * (1 - x * x)) for x in steps]
    lower = [(half * x, y + bend[x] + (lip + gape) * (1 - x * x)) for x in reversed(steps)]
    brush.shape(upper + lower, looks["lips"])
    if gape:
        inner = [(half * 0.8 * x, y + bend[x] + gape * (1 - x * x)) for x in reversed(steps)]
        brush.shape([(half * 0.8 * x, y + bend[x]) for x in steps] + inner, (60, 20, 25))
    else:
        brush.line([(half * x, y + bend[x]) for x in steps], _shade(looks["lips"], 0.6), 0.06)


def _lit(image: Image.Image, rng: random.Random) -> Image.Image:
    """Change the light: its strength, its colour, the side it comes from; then add noise."""
    import numpy as np  # comes with the extra; the file is also read where it is not

    pixels = np.asarray(image, dtype=np.float32)
    slope = np.linspace(-1, 1, image.width, dtype=np.float32)
    side, above = rng.uniform(-0.15, 0.15), rng.uniform(-0.1, 0.1)
    light = rng.uniform(0.8, 1.12) * (1 + side * slope[None, :] + above * slope[:, None])
    warm = np.array([rng.uniform(0.96, 1.04) for _ in range(3)], dtype=np.float32)
    noise = np.random.default_rng(rng.getrandbits(32)).normal(0, rng.uniform(1, 6), pixels.shape)
    return Image.fromarray(np.clip(pixels * light[..., None] * warm + noise, 0, 255).astype(np.uint8))
