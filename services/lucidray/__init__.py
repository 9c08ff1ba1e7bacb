"""Lucidray: a DICOM node that serves radiomics and deep-learning models to a PACS."""
