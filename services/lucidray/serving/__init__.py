"""Running models: bundles, engines, the sliding window."""
