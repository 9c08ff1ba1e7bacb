"""Makes a bundle embed: exposes layers of its network, and freezes what a training cohort gives."""
