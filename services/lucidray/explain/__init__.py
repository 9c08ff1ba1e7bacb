"""Says why a prediction is what it is, and checks whether to believe that."""
