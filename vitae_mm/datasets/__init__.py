"""The demo shapes, and datasets beside those of the codebases.

``vitae_mm.registry`` names the modules of those that configs can use: the
shapes are drawn without importing any codebase.
"""
