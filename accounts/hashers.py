"""Password hashing for an exam morning, and for the evening on which ten thousand people are imported.

Argon2id takes 20 ms of a processor each time, on purpose. A long list cannot wait for that, so its passwords pass
through two layers: a quick one at once, sealed with the server's key, then Argon2id over its digest, for which nobody
has to know the password. Source: Django, "Password upgrading without requiring a login"; decision record 14.
"""

import base64
import hashlib
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher, BasePasswordHasher, get_hasher, mask_hash
from django.utils.crypto import constant_time_compare, pbkdf2, salted_hmac

#: Fixed, about 0.25 ms: no stored hash names it. Another number needs other names of the two algorithms.
FIRST_LAYER_ITERATIONS = 1_000
_PAD, _MARK = "accounts.sealed_password", "accounts.sealed_password.key"


class ExamArgon2Hasher(Argon2PasswordHasher):
    """Argon2id with the OWASP profile: 19 MiB, two passes, one lane.

    Django's own profile (100 MiB, eight lanes) needs minutes and gigabytes when a school signs in at once.
    """

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1


def first_layer(password: str, salt: str) -> bytes:
    """Return 32 bytes made of a password in 0.25 ms: too weak to be stored as they are."""
    return pbkdf2(password, salt, FIRST_LAYER_ITERATIONS, digest=hashlib.sha256)


class SealKeyLostError(Exception):
    """A password was sealed with a key that is neither SECRET_KEY nor among SECRET_KEY_FALLBACKS."""


class SealedHasher(BasePasswordHasher):
    """The first layer, encrypted with a key made of SECRET_KEY: for the minutes until it is wrapped.

    Stored as ``sealed_pbkdf2$salt$mark of the key$digest``. A copy of the database (also a backup or a log of its
    writes, which outlive those minutes) cannot be searched for passwords without the key. The digest is combined with
    an HMAC of its salt, which is random and used once.
    """

    algorithm = "sealed_pbkdf2"

    def encode(self, password: str, salt: str) -> str:
        """Return the sealed first layer of a password."""
        return self._sealed(first_layer(password, salt), salt, settings.SECRET_KEY)

    def _sealed(self, digest: bytes, salt: str, key: str) -> str:
        text = base64.b64encode(_combined(digest, salt, key)).decode("ascii")
        return f"{self.algorithm}${salt}${_mark(key)}${text}"

    def decode(self, encoded: str) -> dict[str, Any]:
        """Return the parts of a stored hash."""
        algorithm, salt, mark, text = encoded.split("$")
        return {"algorithm": algorithm, "salt": salt, "mark": mark, "hash": text}

    def unsealed(self, encoded: str) -> tuple[bytes, str]:
        """Return (first layer, salt) of a stored hash. Raises SealKeyLostError."""
        parts = self.decode(encoded)
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
            if _mark(key) == parts["mark"]:
                return _combined(base64.b64decode(parts["hash"]), parts["salt"], key), parts["salt"]
        raise SealKeyLostError("a password is sealed with a key that is gone: put it into SECRET_KEY_FALLBACKS")

    def verify(self, password: str, encoded: str) -> bool:
        """Tell whether the password is right; a wrong one takes as long as with the preferred hasher.

        A right one does too, because it is hashed anew with the preferred one.
        """
        try:
            digest, salt = self.unsealed(encoded)
            is_right = constant_time_compare(digest, first_layer(password, salt))
        except SealKeyLostError:
            first_layer(password, self.algorithm)
            is_right = False
        if not is_right:
            self.harden_runtime(password, encoded)
        return is_right

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Take as long as the preferred hasher, or time would tell who was imported and never came."""
        preferred = get_hasher()
        preferred.encode(password, preferred.salt())

    def safe_summary(self, encoded: str) -> Any:
        """Return what the admin site may show."""
        parts = self.decode(encoded)
        return {"algorithm": parts["algorithm"], "salt": mask_hash(parts["salt"]), "hash": mask_hash(parts["hash"])}


class WrappedHasher(ExamArgon2Hasher):
    """Argon2id, as the house's own, over the first layer; the salt serves both."""

    algorithm = "argon2_pbkdf2"

    def wrap(self, sealed: str) -> str:
        """Return what to store in place of a sealed first layer; takes as long as Argon2. Raises SealKeyLostError."""
        return self._over(*SealedHasher().unsealed(sealed))

    def encode(self, password: str, salt: str) -> str:
        """Return Argon2id over the first layer of a password."""
        return self._over(first_layer(password, salt), salt)

    def _over(self, digest: bytes, salt: str) -> str:
        return super().encode(digest.hex(), salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Tell whether the password is right."""
        return super().verify(first_layer(password, self.decode(encoded)["salt"]).hex(), encoded)


def has_first_layer(encoded: str) -> bool:
    """Tell whether checking a password against this stored hash computes the first layer."""
    return encoded.startswith((SealedHasher.algorithm + "$", WrappedHasher.algorithm + "$"))


def _combined(digest: bytes, salt: str, key: str) -> bytes:
    """Encrypt or decrypt 32 bytes: the same either way."""
    pad = salted_hmac(_PAD, salt, secret=key, algorithm="sha256").digest()
    return bytes(one ^ other for one, other in zip(digest, pad, strict=True))


def _mark(key: str) -> str:
    """Return eight digits by which a key is recognised and from which it cannot be found."""
    return salted_hmac(_MARK, "", secret=key, algorithm="sha256").hexdigest()[:8]
