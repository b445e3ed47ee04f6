"""Serves tools that expect a setup.py; the settings are in pyproject.toml."""

from setuptools import setup

setup()
