"""Features of the IBSI's phantoms beside its consensus values (Zwanenburg et al., Radiology 2020; arXiv:1612.07003).

`python -m lucidray.lab.ibsi1 DATA` writes docs/conformance/ibsi-1.md; DATA holds `ibsi_1_digital_phantom` and
`ibsi_1_reference_values`. With the CT phantom, whose licence forbids to pass it on, in LUCIDRAY_IBSI_CT (its nifti
folder) it prints the configurations A to E too.
"""
