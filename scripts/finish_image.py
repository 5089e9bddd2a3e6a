"""Last step of the image's build stage: puts the product beside its libraries, keeps the HCL grammar ready, compiles all.

`python finish_image.py BUILD IMAGE`, run by the interpreter of the environment to finish. BUILD holds the sources and `d3.min.js`; IMAGE gets
the tree that the last stage copies to /.
"""

from __future__ import annotations

import compileall
import shutil
import sys
import sysconfig
from pathlib import Path
from py_compile import PycInvalidationMode

COMMAND = f"#!{sys.executable} -I\nfrom faultray_action.cli import main\n\nmain()\n"
UNUSED = ("**/tests", "**/test", "**/*.pyi", "**/*.dist-info/RECORD")


def put_product(build: Path, libraries: Path) -> None:
    shutil.copytree(build / "faultray_action", libraries / "faultray_action")
    page = libraries / "faultray_action" / "report" / "html"
    page.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(build / "d3.min.js", page / "d3.min.js")
    shutil.copyfile(build / "entrypoint.py", Path(sys.prefix) / "entrypoint.py")


def drop_unused(libraries: Path) -> None:
    for pattern in UNUSED:
        for path in sorted(libraries.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def lay_out(image: Path) -> None:
    """The environment at its own path, and the command on everybody's."""
    shutil.copytree(sys.prefix, image / sys.prefix.lstrip("/"), symlinks=True)
    command = image / "usr" / "local" / "bin" / "faultray"
    command.parent.mkdir(parents=True)
    command.write_text(COMMAND, encoding="utf-8")
    command.chmod(0o755)


def main() -> None:
    build, image = Path(sys.argv[1]), Path(sys.argv[2])
    libraries = Path(sysconfig.get_path("purelib"))
    put_product(build, libraries)
    drop_unused(libraries)
    from faultray_action.terraform.hcl.grammar import warm_grammar  # stands here since put_product

    if warm_grammar() is None:
        raise SystemExit("the grammar cannot be kept")
    if not compileall.compile_dir(libraries, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH):
        raise SystemExit("something does not compile")
    lay_out(image)


if __name__ == "__main__":
    main()
