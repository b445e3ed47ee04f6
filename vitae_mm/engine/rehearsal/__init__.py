"""Rehearsing a training run before its first step."""
