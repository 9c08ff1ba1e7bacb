"""Regions: from the structure set that came with the study, or by a served network."""
