"""The code that a pipeline needs besides spaCy: modules that lie beside its config."""

import importlib
import shutil
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import packages_distributions, version
from pathlib import Path
from types import ModuleType

import ner_components
from common.files import sha256

# it goes into the wheels that need it, whatever lies beside a config
OURS = Path(str(ner_components.__file__))


def code_in(pipeline: Path) -> list[Path]:
    """List the modules in a pipeline's folder."""
    return [path for path in sorted(pipeline.glob("*.py")) if path.name != OURS.name]


def import_code(pipeline: Path) -> None:
    """Import what lies in a pipeline's folder, so that what it registers is known.

    The modules may import each other, relatively, as they may in a wheel.
    """
    import_files(code_in(pipeline))


def import_files(files: Sequence[Path]) -> None:
    """Import modules of one folder. spaCy reads them again, so they have to stay there.

    It wants to hear of a factory once, in however many folders its code lies.
    """
    if all(ner_components.is_imported(file) for file in files):
        return
    package = ModuleType(f"code_{sha256(*files)[:16]}")
    package.__path__ = [str(files[0].parent)]
    sys.modules[package.__name__] = package
    for file in files:
        importlib.import_module(f"{package.__name__}.{file.stem}")


def require(package: str, pipeline: Path) -> list[str]:
    """Let a pipeline that was taken out of an installed package find its code there.

    RETURNS: what the pipeline requires for that; nothing if the package has no code.
    """
    code = [name for name in sys.modules if name.startswith(f"{package}.")]
    if not code:
        return []
    text = f'"""The pipeline needs the code of this package."""\n\nimport {package}\n'
    (pipeline / f"needs_{package}.py").write_text(text, encoding="utf8")
    (distribution, *_) = packages_distributions()[package]
    return [f"{distribution}=={version(distribution)}"]


def bring_code(pipelines: Iterable[Path], target: Path) -> None:
    """Copy the code of pipelines into the folder of what was made of them.

    RAISES ValueError: two have other code under one name.
    """
    for file in (file for pipeline in pipelines for file in code_in(pipeline)):
        there = target / file.name
        if there.exists() and there.read_bytes() != file.read_bytes():
            raise ValueError(
                f"{file}: another source has other code in a file of that name; rename "
                "one of the two"
            )
        shutil.copy(file, there)
