"""Gives the license; the other settings are in pyproject.toml."""

from setuptools import setup

# in pyproject.toml, setuptools before 77 accepts a form that it rejects from 77 on
setup(license='Apache-2.0')
