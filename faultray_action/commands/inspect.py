"""Commands that look closer: explain, graph, catalogue, schema, backtest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from faultray_action.commands import common
from faultray_action.model.errors import ConfigError
from faultray_action.model.nearest import nearest


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.argument("address")
@common.described
def explain(plan: Path, address: str, **options: str | None) -> None:
    """Copies, zones, needs and dependents of ADDRESS on both sides, each with the attribute and rule it was read from.

    \b
    Example:
      faultray explain plan.json aws_db_instance.main
    """
    from faultray_action.engine.compiled import compile_topology
    from faultray_action.engine.cuts import dominating
    from faultray_action.engine.examine import examine
    from faultray_action.report.explain import explain as told

    request = common.request_of(common.settle(options), (plan,))
    before, after = common.sides_of(plan, request)
    sides = [("before", before), ("after", after)] if before is not None else [("declared", after)]
    examined = [(name, side, examine(side, cuts=False)) for name, side in sides if side is not None]
    common.emit(told(address, examined, lambda side, entry, component: dominating(compile_topology(side), entry, component)))


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["mermaid", "dot", "graphml", "json"]), default="mermaid", show_default=True)
@click.option("--side", type=click.Choice(["before", "after", "diff"]), default="after", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=None, help="Write it to a file instead of stdout.")
@common.described
def graph(plan: Path, form: str, side: str, output: Path | None, **options: str | None) -> None:
    """Draw the topology of PLAN (or of an infra.yaml).

    \b
    Example:
      faultray graph plan.json --format dot --side diff | dot -Tsvg > topology.svg
    """
    from faultray_action.report.graph import FORMATS, picture

    request = common.request_of(common.settle(options), (plan,))
    before, after = common.sides_of(plan, request)
    common.emit(FORMATS[form](picture(after if before is None else before, after, side)), output)


@click.group()
def catalogue() -> None:
    """What is known of each Terraform resource type.

    \b
    Examples:
      faultray catalogue show aws_db_instance
      faultray catalogue check my-types.yaml
    """


@catalogue.command("list")
@click.option("--provider", default="", metavar="NAME", help="Only types of this provider (aws, azurerm, google, kubernetes, …).")
def list_types(provider: str) -> None:
    """Every type with its disposition; how many there are of each goes to stderr.

    \b
    Example:
      faultray catalogue list --provider google | grep component
    """
    from collections import Counter

    from faultray_action.catalogue.load import load

    known = load()
    rows = [(name, known.get(name)) for name in known.types() if known.file_of(name).startswith(provider)]
    if not rows:
        providers = sorted({known.file_of(name).partition("/")[0] for name in known.types()})
        raise ConfigError(f"the catalogue has no provider `{provider}`{nearest(provider, providers) or '; it has ' + ', '.join(providers)}")
    common.emit("\n".join(f"{name:<60} {entry.disposition}" for name, entry in rows if entry is not None))
    counts = Counter(entry.disposition for _, entry in rows if entry is not None)
    click.echo(f"{len(rows)} types: {', '.join(f'{number} {what}' for what, number in counts.most_common())}", err=True)


@catalogue.command("show")
@click.argument("type_name", metavar="TYPE")
def show_type(type_name: str) -> None:
    """One type's entry as YAML that a file of your own may start from, with the sources of the numbers it names.

    \b
    Example:
      faultray catalogue show aws_db_instance
    """
    import msgspec
    import yaml

    from faultray_action.catalogue.load import load

    known = load()
    entry = known.get(type_name)
    if entry is None:
        near = nearest(type_name, (name for name in known.types() if "*" not in name))
        raise ConfigError(f"the catalogue has no type `{type_name}`{near or '; `faultray catalogue list` shows those it has'}")
    bare = msgspec.to_builtins(type(entry)(disposition=entry.disposition))
    own = {name: _written(value) for name, value in msgspec.to_builtins(entry).items() if name == "disposition" or value != bare[name]}
    provider = known.file_of(type_name).partition("/")[0]
    written = yaml.safe_dump({"provider": provider, "types": {type_name: own}}, sort_keys=False, allow_unicode=True, width=120)
    common.emit("\n".join([f"# {known.file_of(type_name)}", written.rstrip("\n"), *_sources(entry.rates, entry.sla)]))


def _written(value: Any) -> Any:
    """Without what nobody writes: empty parts are left out at every depth."""
    if isinstance(value, dict):
        kept = {name: _written(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each not in ("", [], {})}
    return [_written(each) for each in value] if isinstance(value, list | tuple) else value


def _sources(rates: str, sla: str) -> list[str]:
    """Where the numbers that an entry names come from, as YAML comments."""
    from faultray_action.catalogue.reliability import load_reliability
    from faultray_action.catalogue.sla import load_slas

    lines = []
    if rates:
        row = load_reliability().row(rates)
        often, repair = row.failures_per_year, row.repair_hours
        lines.append(
            f"# rates {rates}: {often.default:g} failures a year ({often.low:g} to {often.high:g}), repaired in {repair.default:g} h"
        )
        lines.append(f"#   {row.source}")
    contract = load_slas().rows.get(sla)
    if contract is not None:
        lines += [f"# sla {sla}: {contract.sla_percent:g} % {contract.label}", f"#   {contract.source}"]
    return lines


@catalogue.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def check_file(file: Path) -> None:
    """Check a catalogue file of your own: schema, expressions, rates and references.

    \b
    Example:
      faultray catalogue check my-types.yaml
    """
    from faultray_action.catalogue.check import problems
    from faultray_action.catalogue.load import read_document

    document = read_document(file)
    found = problems(document)
    if found:
        raise ConfigError(f"{file}: {'; '.join(found)}")
    click.echo(f"{file}: {len(document.types)} types, all well")


SCHEMAS = ("report", "config", "infra", "catalogue")


@click.command()
@click.argument("which", type=click.Choice(SCHEMAS))
def schema(which: str) -> None:
    """Print a JSON Schema (draft 2020-12): for editors and for programs that read reports.

    \b
    Example:
      faultray schema config > .faultray.schema.json
    """
    common.emit(_schema(which))


def _schema(which: str) -> str:
    if which == "report":
        from faultray_action.report.store import schema as report_schema

        return report_schema().decode("utf-8")
    found: dict[str, Any]
    if which == "config":
        from faultray_action.policy_schema import config_schema

        found = config_schema()
    elif which == "infra":
        from faultray_action.declared.schema import infra_schema

        found = infra_schema()
    else:
        from faultray_action.catalogue.check import catalogue_schema

        found = catalogue_schema()
    return json.dumps(found, indent=1, ensure_ascii=False)


@click.command()
@click.option("--incident", default=None, metavar="ID", help="One incident in detail.")
@click.option("--format", "form", type=click.Choice(["text", "markdown"]), default="text", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=None, help="Write it to a file instead of stdout.")
def backtest(incident: str | None, form: str, output: Path | None) -> None:
    """Predict who is affected in documented cloud incidents, and compare: precision, recall, specificity, against two baselines.

    \b
    Example:
      faultray backtest --incident aws-2025-10-dynamodb
    """
    from faultray_action.backtest.run import run_backtest
    from faultray_action.catalogue.reliability import load_reliability
    from faultray_action.report.backtest_text import backtest_markdown, backtest_text

    result = run_backtest(load_reliability(), incident)
    common.emit(backtest_markdown(result) if form == "markdown" else backtest_text(result), output)
