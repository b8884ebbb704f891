"""The build step without leftovers: what an earlier `pip install .` put into build/ would ship rules deleted since."""

from __future__ import annotations

import shutil

from setuptools.command.build_py import build_py


class BuildFresh(build_py):
    """`build_py` into an empty folder."""

    def run(self) -> None:
        """Build; an editable install copies nothing and has nothing to clear."""
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
