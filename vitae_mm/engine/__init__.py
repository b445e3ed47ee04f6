"""What the command-line tools share: launching, checks, hooks."""
