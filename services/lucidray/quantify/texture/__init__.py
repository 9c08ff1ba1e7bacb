"""Texture matrices and their features (IBSI manual, sections 3.6 to 3.11)."""
