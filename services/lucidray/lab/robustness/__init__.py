"""How far a feature can be trusted: the same lesion, measured again under what ought not to matter."""
