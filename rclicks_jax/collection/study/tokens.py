"""Ids, signed tokens and codes of a study: pure functions of its secret.

A purpose stands in everything that is signed, so that no token is valid as another.
"""

import base64
import hmac
import secrets

SECRET_BYTES = 32
_ID_BYTES = 16
# Letters that nobody takes for others when a code is typed.
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_CODE_LETTERS = 10


def new_secret() -> bytes:
    """Returns a secret for a new study."""
    return secrets.token_bytes(SECRET_BYTES)


def new_id() -> str:
    """Returns a random id of 128 bits."""
    return secrets.token_urlsafe(_ID_BYTES)


def keyed(secret: bytes, purpose: str, *parts: str) -> str:
    """Returns 128 bits that only the owner of the secret can make, as text.

    Args:
        secret: Secret of the study.
        purpose: What it is for.
        *parts: What it is about. Their borders count: `ab`, `c` is not `a`, `bc`.
    """
    digest = _digest(secret, purpose, parts)[:_ID_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def code(secret: bytes, purpose: str, *parts: str) -> str:
    """Returns a code that a person can type, such as `K7QXM-9RT4A`."""
    number = int.from_bytes(_digest(secret, purpose, parts), "big")
    letters = ""
    for _ in range(_CODE_LETTERS):
        number, position = divmod(number, len(_LETTERS))
        letters += _LETTERS[position]
    half = _CODE_LETTERS // 2
    return f"{letters[:half]}-{letters[half:]}"


def equal(one: str, other: str) -> bool:
    """Compares two texts in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def session_token(secret: bytes, session_id: str) -> str:
    """Returns what a browser shows to be a session."""
    return f"{session_id}.{keyed(secret, 'session', session_id)}"


def session_of(secret: bytes, token: str) -> str | None:
    """Returns the session of a token; None if it is not of this study."""
    session_id, dot, _ = token.partition(".")
    valid = dot and equal(token, session_token(secret, session_id))
    return session_id if valid else None


def assignment_token(secret: bytes, session_id: str, assignment_id: str) -> str:
    """Returns what an event of an assignment must carry."""
    return keyed(secret, "assignment", session_id, assignment_id)


def invitation(secret: bytes, number: int) -> str:
    """Returns an invitation, a parameter of the page's address."""
    return f"{number}-{keyed(secret, 'invitation', str(number))}"


def is_invitation(secret: bytes, text: str) -> bool:
    """Tells whether a text is an invitation to this study."""
    number = text.partition("-")[0]
    usual = number.isascii() and number.isdigit() and len(number) < 10
    return usual and equal(text, invitation(secret, int(number)))


def _digest(secret: bytes, purpose: str, parts: tuple[str, ...]) -> bytes:
    told = "".join(f"{len(part.encode())}:{part}" for part in (purpose, *parts))
    return hmac.digest(secret, told.encode(), "sha256")
