"""De-identification, and the way back: the only rooms that know who a case is about.

`deidentify` takes the objects of a study as received and gives them without identity;
`reidentify` gives the results the patient's identity again. Both need the vault.
"""
