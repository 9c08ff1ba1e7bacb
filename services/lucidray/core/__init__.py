"""What every process shares: cases, errors, settings, clock, metrics, logging, worker decisions."""
