"""Spellings of one text made equal: case, accents, separators."""

import re
import unicodedata

_NO_WORD = re.compile(r"[\W_]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "æ": "ae"})
# Words that stand in names of de-identified files for nobody.
_NOBODY = re.compile(r"anon\w*|de-?identified|removed|unknown|none|null|dummy|pseudonym\w*|patient", re.IGNORECASE)


def is_nobody(word: str) -> bool:
    """Whether a word in a name names nobody."""
    return bool(_NOBODY.fullmatch(word))


def folded(text: str) -> str:
    """Lower case, without accents, words divided by one space each."""
    if text.isascii():
        return _NO_WORD.sub(" ", text.lower()).strip()
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return _NO_WORD.sub(" ", plain.casefold()).strip()


def transliterated(text: str) -> str:
    """As machine-readable documents write it: Müller is Mueller."""
    return unicodedata.normalize("NFC", text).casefold().translate(_UMLAUTS)
