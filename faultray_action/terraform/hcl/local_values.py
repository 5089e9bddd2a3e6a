"""What local values refer to: the one thing of a configuration that Terraform's plan leaves out.

Only modules in which something refers to a local are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from faultray_action.terraform.hcl.locate import Source
from faultray_action.terraform.hcl.mentions import references_in
from faultray_action.terraform.hcl.modules import Entry
from faultray_action.terraform.plan import Plan
from faultray_action.terraform.tree import ModulePath, walk_modules


def locals_of(plan: Plan, source: Source) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """The references of the locals of every module that uses some, for the `Linker`."""
    return local_values(source, modules_with_locals(plan))


def modules_with_locals(plan: Plan) -> tuple[str, ...]:
    """The modules of a plan in which an expression refers to a local ("" the root, "module.a.module.b"), parents first."""
    found = {
        ".".join(f"module.{name}" for name in path): None
        for configuration in plan.configuration
        for path, module in walk_modules(configuration)
        if _refers_to_local(module)
    }
    return tuple(found)


def _refers_to_local(module: Mapping[str, Any]) -> bool:
    """Whether `local.` stands among the references of the module itself, its calls included and what they call left out."""
    pending: list[Any] = [module]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            references = node.get("references")
            if isinstance(references, list) and any(isinstance(text, str) and text.startswith("local.") for text in references):
                return True
            pending.extend(child for key, child in node.items() if key != "module" and isinstance(child, (dict, list)))
    return False


def local_values(source: Source, modules: Iterable[str]) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """References of each local by module ("" the root, "module.a.module.b" without instance keys) and name, as a plan writes references.

    A module whose code is not there is missing; a local without references has none: ().
    """
    found = {}
    for name in modules:
        module = source.library.module(_path(name))
        if module is not None:
            found[name] = {local: texts for entry in module.all(("locals",)) for local, texts in _references(entry)}
    return found


def _path(module: str) -> ModulePath:
    return tuple(module.split(".")[1::2])


def _references(entry: Entry) -> Iterable[tuple[str, tuple[str, ...]]]:
    text = entry.file.text
    return ((attribute.name, references_in(text[slice(*attribute.value_span)])) for attribute in entry.body.attributes)
