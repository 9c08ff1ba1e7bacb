"""Series to native volumes in patient geometry, in HU or SUV, every correction checked."""
