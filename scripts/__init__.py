"""The command lines of symtrack, one script per command, and what they share."""
