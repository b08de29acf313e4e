"""Pictures and things that only look like pictures."""

import io
import struct
import zlib
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

SCRIPT = b"<html><script>alert('SECRET-TAIL')</script></html>"


def encoded(fmt: str = "JPEG", *, mode: str = "RGB", size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, 0 if mode == "P" else None).save(buffer, fmt, **options)
    return buffer.getvalue()


def noisy(size: int) -> bytes:
    """A PNG that cannot be compressed."""
    buffer = io.BytesIO()
    Image.effect_noise((size, size), 200).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def padded(data: bytes, size: int) -> bytes:
    """The same picture with bytes after its end."""
    return data + b"\0" * (size - len(data))


def with_exif() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    exif[0x0112] = 6  # turned
    exif.get_ifd(0x8825)[1] = "S"
    return encoded(exif=exif)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(side: int) -> bytes:
    """A PNG of side x side pixels in a few kilobytes: one long row of nothing, packed."""
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + side // 8)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def upload(data: bytes, name: str = "photo.jpg", content_type: str = "image/jpeg") -> dict[str, Any]:
    return {"photo": SimpleUploadedFile(name, data, content_type)}
