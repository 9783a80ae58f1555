"""Arrays in, a number out."""
