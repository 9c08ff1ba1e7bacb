"""Secrets of the vault as they come: a file (also a mounted Kubernetes secret) or a variable. Weak ones are refused."""

import stat
from pathlib import Path

from lucidray.core.errors import Permanent
from lucidray.core.identity import KEY_BYTES

# Of 32 random bytes fewer than 16 differ, or fewer than 16 steps from one to the next do, once in more than 10^11 keys.
_DIFFERENT = 16
_OTHERS_OR_GROUP_WRITES = stat.S_IRWXO | stat.S_IWGRP


def read_secrets(path: Path, remedy: str) -> list[bytes]:
    """The secrets of a file: hexadecimal, one a line.

    Raises
    ------
    Permanent
        It cannot be read, others than its owner and group may read it, or what it holds is weak.
    """
    thing = f"key file {path}"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="ascii")
    except OSError as error:
        raise Permanent(thing, f"cannot be read ({error.strerror})", remedy) from None
    except UnicodeDecodeError:
        raise Permanent(thing, "does not hold hexadecimal digits", remedy) from None
    if mode & _OTHERS_OR_GROUP_WRITES:
        cause = f"its mode {mode:04o} lets others read or change it, so it is no secret any more"
        raise Permanent(thing, cause, f"make a new one, then `chmod 600 {path}` (Kubernetes: defaultMode 0440)")
    return parse_secrets(text, thing, remedy)


def parse_secrets(text: str, thing: str, remedy: str) -> list[bytes]:
    """Secrets of hexadecimal digits, separated by white space.

    Raises
    ------
    Permanent
        They are not hexadecimal, or one is weak.
    """
    try:
        secrets = [bytes.fromhex(word) for word in text.split()]
    except ValueError:
        raise Permanent(thing, "does not hold hexadecimal digits", remedy) from None
    for number, secret in enumerate(secrets, 1):
        cause = weakness(secret)
        if cause:
            raise Permanent(f"{thing}, key {number}", cause, remedy)
    return secrets


def weakness(secret: bytes) -> str:
    """Why a secret is not one; empty if nothing speaks against it."""
    if len(secret) < KEY_BYTES:
        return f"it has {8 * len(secret)} bits and needs {8 * KEY_BYTES}"
    if all(0x20 <= byte < 0x7F for byte in secret):
        return "it is text that somebody typed, not random bytes"
    steps = {(after - before) % 256 for before, after in zip(secret, secret[1:], strict=False)}
    if min(len(set(secret)), len(steps)) < _DIFFERENT:
        return "it is a pattern, not random bytes"
    return ""
