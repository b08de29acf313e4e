"""Files that are not what they say, or more than they say."""

import resource
import subprocess
import sys

import pytest
from django.conf import settings
from PIL import Image

from anticheat.tests.factories import make_sitting
from proctoring.models import Photo
from proctoring.tests.pictures import SCRIPT, encoded, noisy, png_bomb, upload
from tests.support import error_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
NO_PICTURE = "The photo must be an image of type jpg, jpeg or png."
TOO_MANY = "The photo has too many pixels."
TOO_LARGE = "The photo must not be greater than 2048 kilobytes."
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PDF = b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n%%EOF"
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(/etc/passwd) run\n"
JPEG, PNG = encoded(), encoded("PNG")
CORPUS = {
    "bomb 5000": (png_bomb(5_000), TOO_MANY),
    "bomb 12000": (png_bomb(12_000), NO_PICTURE),
    "bomb 20000": (png_bomb(20_000), NO_PICTURE),
    "jpeg cut in its pixels": (encoded(size=(400, 400))[:-200], NO_PICTURE),
    "jpeg header only": (JPEG[:30], NO_PICTURE),
    "png cut": (noisy(64)[:2000], NO_PICTURE),
    "png header only": (PNG[:20], NO_PICTURE),
    "gif": (encoded("GIF", mode="P"), NO_PICTURE),
    "gif with many frames": (
        encoded("GIF", mode="P", save_all=True, append_images=[Image.new("P", (64, 48), i) for i in range(1, 9)]),
        NO_PICTURE,
    ),
    "tiff": (encoded("TIFF"), NO_PICTURE),
    "bmp": (encoded("BMP"), NO_PICTURE),
    "webp": (encoded("WEBP"), NO_PICTURE),
    "svg": (SVG, NO_PICTURE),
    "eps": (EPS, NO_PICTURE),
    "pdf": (PDF, NO_PICTURE),
    "html": (SCRIPT, NO_PICTURE),
    "html before a picture": (SCRIPT + JPEG, NO_PICTURE),
    "gif before a picture": (b"GIF89a" + JPEG, NO_PICTURE),
    "nothing": (b"", NO_PICTURE),
    "text called jpg": (b"hello", NO_PICTURE),
    "zeros": (b"\0" * 4096, NO_PICTURE),
    "too large": (JPEG + b"\0" * (2049 * 1024 - len(JPEG)), TOO_LARGE),
}


@pytest.mark.parametrize("name", CORPUS)
def test_capture__when_file_is_hostile__then_422_and_nothing_is_stored(api, media, name):
    data, text = CORPUS[name]
    response = api.upload(f"{make_sitting().path}/photo/capture", upload(data))
    assert error_of(response, 422, "VALIDATION_ERROR")["errors"] == {"photo": [text]}
    assert not Photo.objects.exists()
    assert [path for path in media.rglob("*") if path.is_file()] == []


def test_capture__when_bombs_are_sent__then_memory_stays(api):
    path = f"{make_sitting().path}/photo/capture"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in ("bomb 12000", "bomb 20000"):
        api.upload(path, upload(CORPUS[name][0]))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024  # KiB


AT_ONCE = """
import resource, struct, sys, threading, zlib
from django.conf import settings
settings.configure(SECRET_KEY="x" * 40)
from cbt.kernel import storage
from proctoring.tests.pictures import png_chunk

def grown():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

packer, row = zlib.compressobj(9), bytes(1 + 3 * 4400)
rows = b"".join(packer.compress(row) for _ in range(4400)) + packer.flush()
header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 4400, 4400, 8, 2, 0, 0, 0))
data = b"\\x89PNG\\r\\n\\x1a\\n" + header + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
assert len(data) < 60_000
storage.reencode_picture(data, max_bytes=60_000, max_side=2400)
alone = grown()
one = dict(target=storage.reencode_picture, args=(data,), kwargs={"max_bytes": 60_000, "max_side": 2400})
threads = [threading.Thread(**one) for _ in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(grown() - alone)
"""


def test_pictures__when_three_of_nineteen_megapixels_at_once__then_the_memory_of_one():
    """57 KB each as files, 58 MB and more each as pixels. In a process of its own, whose peak is nobody else's."""
    done = subprocess.run([sys.executable, "-c", AT_ONCE], cwd=settings.BASE_DIR, capture_output=True, check=True)
    assert int(done.stdout) < 100  # MiB


def test_capture__when_far_too_large__then_413_unread(api):
    response = api.upload(f"{make_sitting().path}/photo/capture", upload(b"\0" * (9 * 1024 * 1024)))
    error_of(response, 413, "PAYLOAD_TOO_LARGE")
