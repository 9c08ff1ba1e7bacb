"""What turns a pure step into a process: the worker loop, its child process, the health server."""
