"""The data scientist's side: cohorts, training, evaluation, packing of bundles. Nothing here is served."""
