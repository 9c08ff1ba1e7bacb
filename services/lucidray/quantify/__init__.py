"""Measures radiomic features, as the Image Biomarker Standardisation Initiative (IBSI) defines them."""
