"""The demo shapes, and datasets that the codebases do not have.

``vitae_mm.registry`` lists the modules of datasets for configs, so that drawing shapes does not
import a codebase.
"""
