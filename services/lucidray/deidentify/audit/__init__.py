"""An independent second look at files that are said to be de-identified.

Nothing here knows how the engine works: it searches every byte stream of a file for identifiers
that must not be there, and points at what is suspicious even where nobody is known.
"""
