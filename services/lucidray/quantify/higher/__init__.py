"""Features beyond the IBSI's: local binary patterns, gradients, fractals, Minkowski functionals, power spectra.

Each family is a function of a region that gives values, or reasons for none, by the abbreviations of
`definitions.yaml`, which names formula, unit and source of each feature. Only voxels of the region count: a pattern, a
gradient or a box that reaches out of it is left out, so that no feature depends on what surrounds the region.
"""
