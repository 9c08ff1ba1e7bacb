"""The command `lucidray`, and how its processes are started and supervised on one machine."""
