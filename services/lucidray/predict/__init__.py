"""Predicts an outcome from features, and says when it must not."""
