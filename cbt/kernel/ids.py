"""Random and recoverable tokens, and the hashes by which they are stored."""

import base64
import hashlib
import hmac
import secrets

from django.conf import settings

TOKEN_BYTES = 20  # 160 bits


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").rstrip("=")


def new_token(prefix: str = "") -> str:
    """Return a fresh secret of 160 random bits as 32 letters and digits behind ``prefix``."""
    return prefix + _base32(secrets.token_bytes(TOKEN_BYTES))


def new_nonce() -> str:
    """Return the stored half of a recoverable token (see `derive_token`). Not a secret."""
    return secrets.token_hex(16)


def hash_token(token: str) -> str:
    """Return the SHA-256 hex digest by which a token is stored and looked up."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def derive_token(purpose: str, nonce: str, *, prefix: str = "", key: str | None = None) -> str:
    """Return the token that belongs to a stored nonce.

    The database holds the nonce and the token's hash; the token itself needs SECRET_KEY as well. So a
    stolen database opens no link, and yet a link can be shown and mailed again, as the contract asks.
    """
    secret = hashlib.sha256(f"cbt.token:{key or settings.SECRET_KEY}".encode()).digest()
    mac = hmac.new(secret, f"{purpose}:{nonce}".encode(), hashlib.sha256).digest()
    return prefix + _base32(mac[:TOKEN_BYTES])


def recover_token(purpose: str, nonce: str, token_hash: str, *, prefix: str = "") -> str | None:
    """Return the token issued for ``nonce``, also when SECRET_KEY has been rotated since, or None."""
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        token = derive_token(purpose, nonce, prefix=prefix, key=key)
        if hmac.compare_digest(hash_token(token), token_hash):
            return token
    return None


def mask_token(token: str) -> str:
    """Return a form fit for screens and logs: the last four characters."""
    return f"…{token[-4:]}"
