"""Measures radiomic features, as the Image Biomarker Standardisation Initiative (IBSI) defines them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lucidray.quantify.extraction import extract

__all__ = ["extract"]


def __getattr__(name: str) -> Any:
    """`extract`, when it is asked for: who wants the settings only must not load the engine."""
    if name != "extract":
        raise AttributeError(f"module 'lucidray.quantify' has no attribute '{name}'")
    from lucidray.quantify.extraction import extract

    return extract
