"""Reference bundles, each made by a script in `lucidray.lab`, each with an honest card."""
