"""The rules under which findings are told to tools that keep lists of them (SARIF, GitLab, JUnit). Ids never change their meaning."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from faultray_action.report.changes import Finding
from faultray_action.report.sections import finding_class


class Rule(Struct, frozen=True):
    """`name` in PascalCase, `text` one sentence, `advice` what to do, `level` error | warning | note."""

    id: str
    name: str
    text: str
    advice: str
    level: str = "error"


RULES: tuple[Rule, ...] = (
    Rule(
        "FR001",
        "SinglePointCopy",
        "The failure of one copy takes an entry point down.",
        "Run at least one copy more than the service needs, or add a standby that takes over.",
    ),
    Rule(
        "FR002",
        "SinglePointZone",
        "The loss of one availability zone takes an entry point down, because every copy that matters stands in it.",
        "Spread the copies over a second zone.",
    ),
    Rule(
        "FR003",
        "SinglePointZonalComponent",
        "A component that exists in one zone only takes an entry point down.",
        "Use one component a zone, or a regional one.",
    ),
    Rule(
        "FR004",
        "DataLoss",
        "One event destroys data that no replica, backup or protection covers.",
        "Add a replica, backups, versioning, deletion protection or a dead-letter queue.",
    ),
    Rule(
        "FR005",
        "BrokenNeed",
        "An entry point cannot reach something it needs any more.",
        "Restore the rule, route or reference that the change removed.",
    ),
    Rule("FR006", "RegionLost", "The change removes what would take over if a region fails.", "Keep the standby in the second region."),
    Rule(
        "FR007",
        "Capacity",
        "The capacity that remains does not fit the load, or hangs on one copy.",
        "Raise the reserved capacity or the number of instances.",
        "warning",
    ),
    Rule(
        "FR008", "AgentReliability", "Answers of an AI agent become less reliable.", "Restore the data source or its redundancy.", "warning"
    ),
    Rule(
        "FR009",
        "DataDestroyedWhileApplying",
        "Applying the plan destroys durable data.",
        "Take a final snapshot, restore from one, or use a moved block.",
    ),
    Rule(
        "FR010",
        "OutageWhileApplying",
        "Applying the plan takes an entry point down for a while.",
        "Create the successor first (create_before_destroy), or apply in two steps.",
    ),
    Rule("FR011", "OtherFinding", "A finding of another kind.", "See the report.", "warning"),
)

_BY_CLASS: Mapping[str, str] = {
    "copy": "FR001",
    "zone": "FR002",
    "zonal-component": "FR003",
    "data-loss": "FR004",
    "broken-need": "FR005",
    "region": "FR006",
    "capacity": "FR007",
    "agent": "FR008",
    "destructive": "FR009",
    "outage": "FR010",
}
_BY_ID: Mapping[str, Rule] = {rule.id: rule for rule in RULES}


def rule_of(finding: Finding) -> Rule:
    """The rule of a finding; a class of a later version falls under FR011."""
    return _BY_ID[_BY_CLASS.get(finding_class(finding), "FR011")]
