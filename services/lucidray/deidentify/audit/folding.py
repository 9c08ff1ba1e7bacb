"""Spellings of one text made equal: case, accents, separators."""

import re
import unicodedata

_NO_WORD = re.compile(r"[\W_]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "æ": "ae"})


def folded(text: str) -> str:
    """Lower case, without accents, words divided by one space each."""
    if text.isascii():
        return _NO_WORD.sub(" ", text.lower()).strip()
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return _NO_WORD.sub(" ", plain.casefold()).strip()


def transliterated(text: str) -> str:
    """As machine-readable documents write it: Müller is Mueller."""
    return unicodedata.normalize("NFC", text).casefold().translate(_UMLAUTS)
