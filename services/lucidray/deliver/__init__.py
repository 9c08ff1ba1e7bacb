"""Results to their destinations: C-STORE of the given bytes, once each, with receipts."""
