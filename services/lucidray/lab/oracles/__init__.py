"""Other implementations of the IBSI's features, to hold ours against: never part of what is served."""
