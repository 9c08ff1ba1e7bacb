"""Images in patient space: DICOM reading, geometry, resampling, polygons, SUV, codes."""
