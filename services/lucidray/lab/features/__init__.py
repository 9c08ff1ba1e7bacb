"""Radiomic features of a data scientist's own files: one lesion or a cohort, with the engine that serves."""
