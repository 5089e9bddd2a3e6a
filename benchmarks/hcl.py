"""Time of finding lines in 35,000 lines of HCL, and of what lines and locals add to a run on a small project.

    python benchmarks/hcl.py [lines]

Writes a configuration of nested modules into a temporary folder: resources with nested blocks, heredocs, templates, `for` expressions and comments,
arguments handed through modules, locals and variables. Limits: the whole of it is located in 1 s of processor time, modules, blocks, the values of
200 attributes and the locals of every module included; a project of 300 lines, imports included, in 0.06 s. The grammar is warm. A
process for each.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

LIMIT_SECONDS, SMALL_LIMIT_SECONDS = 1.0, 0.06
RESOURCE = """
resource "aws_ecs_service" "service_{n}" {{
  name            = "${{var.name}}-{n}"
  cluster         = local.cluster # {{ not a brace
  desired_count   = var.settings["{n}"].count
  launch_type     = var.fargate ? "FARGATE" : "EC2"
  task_definition = <<-EOT
    {{ "image": "${{local.images[{n}]}}", "text": "}}" }}
  EOT

  network_configuration {{
    subnets         = [for subnet in aws_subnet.private : subnet.id if subnet.tags["tier"] == "app"]
    security_groups = concat([aws_security_group.app.id], var.groups)
  }}

  dynamic "load_balancer" {{
    for_each = toset(var.ports)
    content {{
      target_group_arn = aws_lb_target_group.main[load_balancer.key].arn
      container_port   = load_balancer.value
    }}
  }}

  /* a comment with "quotes" and {{ braces */
  tags = merge(local.tags, {{
    Name = "service-{n}"
  }})
}}
"""
MODULE = """
locals {{
  cluster = aws_ecs_cluster.main.arn
  images  = [for n in range({n}) : "${{var.registry}}/${{n}}"]
  tags    = merge(var.tags, {{ module = "m" }})
}}

variable "settings" {{
  default = {{}}
}}

variable "fargate" {{
  default = true
}}
"""
RUN = """
import sys, time
from pathlib import Path
import faultray_action.terraform.links
start = time.process_time()
from faultray_action.terraform.hcl.local_values import local_values
from faultray_action.terraform.hcl.locate import Source
source = Source.open(Path(sys.argv[1]))
modules, resources, asked = (int(text) for text in sys.argv[2:5])
attributes = sys.argv[5].split()
local_values(source, ["", *(f"module.m{m}" for m in range(modules))])
for n in range(asked):
    address = f"module.m{n % modules}.aws_ecs_service.service_{n % resources}"
    for attribute in attributes:
        assert source.locate(address, attribute) is not None
print(time.process_time() - start)
"""


def write_configuration(folder: Path, lines: int) -> tuple[int, int, int]:
    """(modules, resources in each, lines written)."""
    per_resource = RESOURCE.count("\n")
    modules = max(1, min(25, lines // 300))
    resources = max(1, lines // modules // per_resource)
    for m in range(modules):
        target = folder / f"modules/m{m}"
        target.mkdir(parents=True)
        (target / "main.tf").write_text(
            MODULE.format(n=resources) + "".join(RESOURCE.format(n=n) for n in range(resources)), encoding="utf-8"
        )
    (folder / "main.tf").write_text("".join(calls(modules, resources)), encoding="utf-8")
    return modules, resources, sum(path.read_text("utf-8").count("\n") for path in folder.rglob("*.tf"))


def calls(modules: int, resources: int) -> Iterator[str]:
    yield "locals {\n  settings = {\n" + "".join(f"    {n} = {{\n      count = {n}\n    }}\n" for n in range(resources)) + "  }\n}\n"
    for m in range(modules):
        yield f'\nmodule "m{m}" {{\n  source   = "./modules/m{m}"\n  settings = local.settings\n  fargate  = false\n}}\n'


def measure(lines: int, asked: int, attributes: str, rounds: int = 5) -> tuple[int, float]:
    """(lines, median of processor seconds)."""
    with tempfile.TemporaryDirectory() as name:
        modules, resources, written = write_configuration(Path(name), lines)
        command = [sys.executable, "-c", RUN, name, str(modules), str(resources), str(asked), attributes]
        found = [float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(rounds + 1)]
    return written, statistics.median(found[1:])


def main() -> int:
    lines, large = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 35_000, 100, "desired_count launch_type")
    print(f"{lines} lines, 200 attributes: {large:.3f} s, {lines / large:,.0f} lines a second (limit {LIMIT_SECONDS} s)")
    lines, small = measure(300, 3, "launch_type")
    print(f"{lines} lines, 3 attributes that hang on plain values: {small * 1000:.0f} ms (limit {SMALL_LIMIT_SECONDS * 1000:.0f} ms)")
    lines, parsed = measure(300, 3, "desired_count")
    print(f"{lines} lines, 3 attributes in an object, which python-hcl2 reads: {parsed * 1000:.0f} ms")
    return int(large > LIMIT_SECONDS or small > SMALL_LIMIT_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
