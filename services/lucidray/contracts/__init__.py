"""Every artifact that passes between steps: name, axes, units, schema, reader and writer."""
