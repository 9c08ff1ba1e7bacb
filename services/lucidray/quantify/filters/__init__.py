"""Response maps of image filters, as the second chapter of the IBSI defines them."""

from lucidray.quantify.filters.response import response, support
from lucidray.quantify.filters.specs import FilterSpec

__all__ = ["FilterSpec", "response", "support"]
