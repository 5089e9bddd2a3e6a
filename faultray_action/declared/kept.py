"""What `faultray load` keeps for the commands after it: `.faultray/model.json` in the working directory."""

from __future__ import annotations

from pathlib import Path

from faultray_action.declared.read import read_infra
from faultray_action.declared.schema import Declared
from faultray_action.model.errors import InputError

KEPT = Path(".faultray") / "model.json"


def keep(declared: Declared, folder: Path) -> Path:
    """Writes the model under `folder` and returns where. Raises InputError where that cannot be written."""
    path = folder / KEPT
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(declared.model_dump_json(exclude_defaults=True, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); run in a folder that you may write to") from error
    return path


def read_kept(folder: Path) -> Declared:
    """The model loaded last. Raises InputError where none was."""
    path = folder / KEPT
    if not path.is_file():
        raise InputError(f"no model is loaded here: run `faultray load infra.yaml` first, or name the file ({path} does not exist)")
    return read_infra(path)
