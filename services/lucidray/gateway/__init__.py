"""The DICOM node: C-ECHO and C-STORE, durable before Success, told to the rest through the bus."""
