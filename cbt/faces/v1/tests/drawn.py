"""Faces of nobody, drawn: enough for a detector that looks for edges, and free of anybody's rights."""

import io

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw, ImageFilter


def face(size: int = 400, skin: int = 200) -> Image.Image:
    """Draw one."""
    image = Image.new("L", (400, 400), 110)
    draw = ImageDraw.Draw(image)
    draw.ellipse((85, 20, 315, 170), fill=50)
    draw.ellipse((105, 85, 295, 330), fill=skin)
    for x in (155, 245):
        draw.ellipse((x - 32, 150, x + 32, 190), fill=skin - 60)
        draw.ellipse((x - 24, 160, x + 24, 186), fill=235)
        draw.ellipse((x - 11, 162, x + 11, 185), fill=30)
        draw.rectangle((x - 34, 132, x + 34, 143), fill=60)
        draw.ellipse((x // 2 + 102 - 8, 235, x // 2 + 102 + 8, 250), fill=80)
    draw.polygon([(200, 180), (182, 245), (218, 245)], fill=skin - 30)
    draw.ellipse((155, 275, 245, 310), fill=90)
    return image.filter(ImageFilter.GaussianBlur(3)).resize((size, size))


def together(*images: Image.Image) -> Image.Image:
    """Put pictures of one height beside one another."""
    joined = Image.new("L", (sum(image.width for image in images), images[0].height), 110)
    left = 0
    for image in images:
        joined.paste(image, (left, 0))
        left += image.width
    return joined


def encoded(image: Image.Image, fmt: str = "JPEG") -> bytes:
    """Return the bytes of its file."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, fmt)
    return buffer.getvalue()


def photo(image: Image.Image) -> SimpleUploadedFile:
    """Return it as a form sends it."""
    return SimpleUploadedFile("photo.jpg", encoded(image), content_type="image/jpeg")
