"""Commands on one topology: demo, load, simulate, tf-import, availability, agents, replay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from faultray_action.commands import common
from faultray_action.commands.tf_check import FORMATS, render, shown
from faultray_action.model.errors import ConfigError, InputError
from faultray_action.pipeline import Checked, Request, simulate_one

FILE = click.argument("file", required=False, type=click.Path(path_type=Path))


def _report(checked: Checked, form: str, output: Path | None, html: Path | None) -> int:
    if html is not None:
        common.write_whole(html, render(checked, "html"))
        click.echo(f"wrote {html}", err=True)
    common.emit(shown(checked, form) if output is None else render(checked, form), output)
    return common.exit_code(checked.decision.error, checked.document.gate.passed, checked.document.mode)


@click.command()
@click.option("--web", is_flag=True, help="Serve the interactive page on this machine and open the browser.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of --web (default: any free one).")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=None, help="Write it to a file instead of stdout.")
@click.option("--html", type=click.Path(path_type=Path), default=None, help="Also write the interactive page.")
def demo(web: bool, port: int, form: str, output: Path | None, html: Path | None) -> int:
    """The full report on a sample infrastructure: load balancer, app servers, database, cache, queue and an AI agent.

    \b
    Examples:
      faultray demo
      faultray demo --web
    """
    from faultray_action.declared.read import DEMO

    request = replace(common.request_of(common.settle({}), (DEMO,)), title="demo", paths=(Path("demo.yaml"),))
    with common.waiting("simulating"):
        checked = simulate_one(common.topology_of(DEMO, request), request)
    if web:
        from faultray_action.commands.serve import serve_page

        return serve_page(render(checked, "html"), port)
    return _report(checked, form, output, html)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def load(file: Path) -> None:
    """Read an infra.yaml, say what is in it, and keep it for `simulate`, `availability`, `agents` and `replay`.

    \b
    Example:
      faultray load infra.yaml && faultray simulate
    """
    from faultray_action.catalogue.reliability import load_reliability
    from faultray_action.declared.kept import keep
    from faultray_action.report.escape import visible
    from faultray_action.report.wording import count
    from faultray_action.topology.from_declared import build

    stdin = common.stdin_of((file,))
    if common.is_plan(file, stdin):
        raise InputError(f"{file} is a Terraform plan; `faultray simulate {file}` runs it without loading")
    declared = common.declared_of(file, stdin)
    topology = build(declared, load_reliability())
    kept = keep(declared, Path())
    entries = ", ".join(visible(entry.address) for entry in topology.entries) or "none"
    click.echo(f"{file}: {count(len(topology.components), 'component')}, {count(len(topology.dependencies), 'dependency', 'dependencies')}")
    click.echo(f"entry points: {entries}")
    click.echo(f"kept in {kept}; next: faultray simulate")


@click.command()
@FILE
@common.gated
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=None, help="Write it to a file instead of stdout.")
@click.option("--html", type=click.Path(path_type=Path), default=None, help="Also write the interactive page.")
def simulate(file: Path | None, form: str, output: Path | None, html: Path | None, **options: Any) -> int:
    """Simulate the topology loaded last, or FILE (an infra.yaml or a plan).

    \b
    Example:
      faultray simulate infra.yaml --html report.html --slo 99.95
    """
    request = _request(file, options)
    with common.waiting("simulating"):
        checked = simulate_one(common.topology_of(file, request), request)
    return _report(checked, form, output, html)


def _request(file: Path | None, options: Mapping[str, Any]) -> Request:
    settings = common.settle(options)
    request = common.request_of(settings, (file,) if file else (Path("infra.yaml"),))
    return request if file else replace(request, title="loaded topology")


@click.command("tf-import")
@click.argument("states", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="STATE...")
@click.option("--output", type=click.Path(path_type=Path), default=None, help="Write it to a file instead of stdout.")
def tf_import(states: tuple[Path, ...], output: Path | None) -> None:
    """Write the topology of Terraform states (.tfstate or `terraform show -json`; "-" reads standard input) as infra.yaml.

    \b
    Example:
      terraform state pull | faultray tf-import - --output infra.yaml
      faultray simulate infra.yaml
    """
    from faultray_action.declared.writer import write_infra
    from faultray_action.model.text import well_formed
    from faultray_action.pipeline import discover, know
    from faultray_action.terraform.reader import merge, read_bytes
    from faultray_action.terraform.state import advising_states, read_state

    request = common.request_of(common.settle({}), states)
    stdin = common.stdin_of(states)
    with advising_states():
        plan = merge([read_state(read_bytes(path, stdin=stdin), well_formed(str(path))) for path in states])
    knowledge = know(request)
    topology = discover(plan, knowledge).after
    unknown = sorted(topology.coverage.unknown_types)
    if unknown and not topology.components:
        raise InputError(
            f"no type in it is known ({', '.join(unknown[:5])}); describe them in a file named under `catalogue:` in .faultray.yml"
        )
    common.emit(write_infra(topology, knowledge.table), output)
    if unknown:
        click.echo(f"left out, for their types are not known: {', '.join(unknown[:10])}", err=True)
    if output is not None:
        click.echo(f"wrote {output}; next: faultray simulate {output}", err=True)


@click.command()
@FILE
@click.option("--slo", type=float, default=None, metavar="PERCENT", help="The availability you promise.")
@common.described
def availability(file: Path | None, slo: float | None, **options: str | None) -> None:
    """The five layers that cap availability, their inputs and sources, and what each would need for an SLO.

    \b
    Example:
      faultray availability infra.yaml --slo 99.95
    """
    from faultray_action.check.whatif import ceiling_of
    from faultray_action.engine.examine import examine
    from faultray_action.report.availability_text import availability_text

    request = _request(file, {"slo": slo, **options})
    before, topology = common.sides_of(file, request)
    made_of = "infra.yaml" if before is None else "plan"
    common.emit(availability_text(ceiling_of(topology, examine(topology, cuts=False)), request.gates.slo_percent, made_of=made_of))


@click.command()
@FILE
@common.described
def agents(file: Path | None, **options: str | None) -> None:
    """Risk of each AI agent at rest and in the worst scenarios, its path to the data it answers from, and chains of agents.

    \b
    Example:
      faultray agents infra.yaml
    """
    from faultray_action.engine.agents import assess_agents
    from faultray_action.model.scenario import WhatIfKind
    from faultray_action.report.agents_text import agents_text
    from faultray_action.scenarios.generate import generate

    topology = common.topology_of(file, _request(file, options))
    asked = generate((topology,)).scenarios
    of_agents = [s for s in asked if not s.faults and [w.kind for w in s.what_ifs] == [WhatIfKind.AGENT]]
    others = [s for s in asked if not any(w.kind is WhatIfKind.AGENT for w in s.what_ifs)]
    common.emit(agents_text(assess_agents(topology, others), assess_agents(topology, of_agents)))


@click.command()
@click.argument("scenario")
@FILE
@click.option("--side", type=click.Choice(["before", "after"]), default="after", show_default=True, help="Which side of a plan.")
@click.option("--outage", type=float, default=None, metavar="SECONDS", help="How long the injected faults last (spends buffers).")
@click.option("--max-depth", type=int, default=None, metavar="N", help="Cut deeper cascades, and say so.")
@common.described
def replay(scenario: str, file: Path | None, side: str, outage: float | None, max_depth: int | None, **options: str | None) -> None:
    """Run one scenario step by step: who rises when, why, and the map of the cascade.

    SCENARIO is an id as reports print it; parts are joined by " & ".

    \b
    Examples:
      faultray replay "zone:aws:eu-west-1a" plan.json
      faultray replay "copy:db#0 & traffic*2" infra.yaml
    """
    from faultray_action.engine.agents import raised
    from faultray_action.engine.cascade import run
    from faultray_action.report.replay_text import replay_text
    from faultray_action.scenarios.parse import parse_scenario

    before, after = common.sides_of(file, _request(file, options))
    topology = after if side == "after" else before
    if topology is None:
        raise ConfigError("a declared topology has one side only; leave --side out")
    asked = parse_scenario(scenario, topology if before is None else after, before)
    trace = run(topology, asked, max_depth=max_depth, outage_seconds=outage)
    common.emit(replay_text(topology, trace, raised(topology, asked) if topology.agents else ()))
