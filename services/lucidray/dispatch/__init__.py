"""Dispatch: when is a study complete, what is wanted of it, and what becomes of its cases."""
