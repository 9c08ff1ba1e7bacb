"""The search for planted identity in bytes of any kind."""

from collections.abc import Iterable, Mapping

from lucidray.phantom.phi import Planted


def planted_secrets(planted: Planted) -> dict[bytes, str]:
    """What must not be found outside the clinical zone, and where it was planted."""
    tokens = {text.encode(): place for text, place in planted.tokens.items()}
    uids = {str(each.SOPInstanceUID).encode(): "SOPInstanceUID" for each in planted.datasets}
    return {**tokens, **uids, str(planted.datasets[0].StudyInstanceUID).encode(): "StudyInstanceUID"}


def leaks(contents: Iterable[tuple[str, bytes]], secrets: Mapping[bytes, str]) -> set[tuple[str, str]]:
    """Which secrets stand where: (where planted, where found)."""
    return {(place, name) for name, data in contents for secret, place in secrets.items() if secret in data}
