"""Rehearsing a training run before its first step.

``rules`` are fast checks of files and options with a message of their own; ``run`` then runs the
training in miniature.
"""
