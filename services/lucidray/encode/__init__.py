"""Results as DICOM: a Segmentation and a Structured Report on pseudonymous geometry, checked after writing."""
