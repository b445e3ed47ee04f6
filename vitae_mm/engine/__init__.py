"""Configs, models, runners and training, shared by the command-line tools."""
