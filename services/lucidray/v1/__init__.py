"""Messages generated from proto/ by `make proto`; edit the .proto files, not these."""
