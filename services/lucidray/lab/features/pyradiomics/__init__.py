"""From parameter files of pyradiomics to presets, with every difference named.

pyradiomics: van Griethuysen et al., Cancer Res 2017;77:e104; its parameter file: documentation, "Customizing the
extraction".
"""
