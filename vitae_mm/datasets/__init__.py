"""The demo shapes, and datasets that the codebases lack.

This package imports none of its modules, so that drawing shapes does not import a codebase;
``vitae_mm.registry`` lists the modules with datasets for configs.
"""
