"""The object store: a folder on one machine, any S3 in a hospital; cases and their manifests in it."""
