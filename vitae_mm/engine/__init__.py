"""Loading configs, building models and runners, and training: what the command-line tools share."""
