"""For tools that do not read pyproject.toml; everything is there."""

import setuptools

setuptools.setup()
