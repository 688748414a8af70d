"""The library of compiled steps, which pyproject.toml cannot describe: plain C, for any Python, and no need."""

import os
import runpy
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

STEPS = runpy.run_path("filters/compiled/__init__.py")
FLAGS = {"unix": ["-std=c99", "-O3", "-fwrapv", "-g0", "-fvisibility=hidden", "-Wall", "-Wextra"], "msvc": ["/O2"]}


class Library(build_ext):
    """Build a library that is no module of Python's: no version of Python in its name, no function that starts it."""

    def build_extensions(self) -> None:
        headers = Path(self.build_temp)
        headers.mkdir(parents=True, exist_ok=True)
        names = runpy.run_path(str(STEPS["FOLDER"] / "names.py"))
        (headers / "names.h").write_text(names["header"](), encoding="utf-8")
        for extension in self.extensions:
            extension.extra_compile_args = FLAGS.get(self.compiler.compiler_type, FLAGS["unix"])
            extension.include_dirs = [str(headers)]
        self.force = True  # a header may have changed, or the hash of the sources
        super().build_extensions()

    def get_ext_filename(self, name: str) -> str:
        return name.replace(".", os.sep) + Path(STEPS["LIBRARY"]).suffix

    def get_export_symbols(self, extension: Extension) -> list[str]:
        return []


class Wheel(bdist_wheel):
    """Name the platform alone; where no compiler was, not even that."""

    def get_tag(self) -> tuple[str, str, str]:
        built = any(Path(self.bdist_dir).rglob(Path(STEPS["LIBRARY"]).name))
        return ("py3", "none", super().get_tag()[2] if built else "any")


setup(
    ext_modules=[
        Extension(
            "curate.filters.compiled.steps",
            sorted(str(file.relative_to(Path.cwd())) for file in STEPS["FOLDER"].resolve().glob("*.c")),
            define_macros=[("CURATE_SOURCES", f'"{STEPS["sources"]()}"')],
            optional=True,
        )
    ],
    cmdclass={"build_ext": Library, "bdist_wheel": Wheel},
)
