"""The console: what happens to every case, its images and numbers, and the buttons that change its course."""
