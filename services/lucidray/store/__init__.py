"""The object store: a folder on one machine, any S3 in a hospital; cases and their manifests in it."""

from lucidray.store.settings import open_store

__all__ = ["open_store"]
