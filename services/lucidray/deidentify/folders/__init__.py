"""Whole folders de-identified at the command line: files in, files out, in parallel, and the way back."""
