"""The backtest for a terminal and as the page `docs/backtest.md`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from faultray_action.model.backtest import Accuracy, BacktestResult, IncidentResult, Proportion

WIDTH = 80

MEANING = (
    "What this shows: given the dependencies that were documented and what failed first, the rules of the engine (needs, alternatives, "
    "buffers, zones, control planes that data planes outlive) name the affected services without crying wolf: see precision and "
    "specificity beside those of the baselines. What it does not show: that FaultRay predicts outages. The systems were written down "
    "after the fact from reports that were chosen because something failed; who knows the failed part knows the hardest part. Most "
    'services in reports are affected ones, so that "everything fails" has a high F1: read specificity and balanced accuracy. What '
    "nobody documented is missed, here and in any plan: that is most of the recall that is lacking; the rest are overload, retry storms "
    "and bugs that made a buffer or a standby fail with what it should have outlived. Services of one incident are not independent, so "
    "the Wilson intervals are narrower than the truth. An illustration, not a validation."
)

RULES = (
    "A service is predicted to be affected if the engine leaves it down after the failed part (all copies of a service, or a zone) is "
    "taken away; degraded counts as working. Only services whose outcome the report states are counted, the failed part itself is not."
)


def backtest_text(result: BacktestResult) -> str:
    """At most 80 columns; one incident alone is told in full."""
    lines = list(_detail(result.incidents[0])) if len(result.incidents) == 1 else list(_table(result))
    return "\n".join((*lines, "", *textwrap.wrap(MEANING, WIDTH), ""))


def _table(result: BacktestResult) -> Iterator[str]:
    yield f"{'':32}{'hit':>5}{'miss':>6}{'alarm':>7}{'calm':>6}{'prec':>6}{'rec':>6}{'F1':>6}{'spec':>6}"
    for incident in result.incidents:
        yield _text_row(incident.id, incident.accuracy)
    yield "-" * WIDTH
    for name, accuracy in result.by_provider:
        yield _text_row(name, accuracy)
    yield _text_row(f"all {len(result.incidents)} incidents", result.overall)
    yield from (_text_row(name, accuracy) for name, accuracy in result.baselines)
    yield ""
    yield f"95 % Wilson: precision {_range(result.overall.precision)}, recall {_range(result.overall.recall)},"
    yield f"specificity {_range(result.overall.specificity)}. Balanced accuracy {_number(result.overall.balanced)}, against"
    yield ", ".join(f"{_number(accuracy.balanced)} ({name})" for name, accuracy in result.baselines) + "."


def _text_row(name: str, each: Accuracy) -> str:
    counts = f"{each.true_positive:5}{each.false_negative:6}{each.false_positive:7}{each.true_negative:6}"
    shares = "".join(f"{_number(value):>6}" for value in _shares(each))
    return f"{name[:31]:32}{counts}{shares}"


def _shares(each: Accuracy) -> tuple[float | None, ...]:
    return each.precision.value, each.recall.value, each.f1, each.specificity.value


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _range(share: Proportion) -> str:
    return f"{_number(share.value)} [{share.low:.2f}, {share.high:.2f}]"


def _detail(incident: IncidentResult) -> Iterator[str]:
    yield from textwrap.wrap(f"{incident.id} · {incident.date} · {incident.title}", WIDTH)
    yield incident.url
    yield f"confidence of the facts: {incident.confidence}"
    yield ""
    yield from _listed("failed first", incident.failed)
    yield from _listed("affected and predicted", [name for name in incident.affected if name in incident.predicted])
    yield from _listed("affected and missed", incident.missed)
    yield from _listed("unaffected and predicted so", [name for name in incident.unaffected if name not in incident.predicted])
    yield from _listed("false alarms", incident.false_alarms)
    if incident.note:
        yield from textwrap.wrap(incident.note, WIDTH)
    each = incident.accuracy
    yield f"precision {_range(each.precision)}, recall {_range(each.recall)},"
    yield f"F1 {_number(each.f1)}, specificity {_range(each.specificity)}"


def _listed(title: str, names: Iterable[str]) -> Iterator[str]:
    text = ", ".join(names) or "none"
    yield from textwrap.wrap(text, WIDTH, initial_indent=f"{title + ':':30}", subsequent_indent=" " * 30)


def backtest_markdown(result: BacktestResult) -> str:
    """The page that the project keeps as `docs/backtest.md`."""
    lines = [
        "# Backtest against documented incidents",
        "",
        "Made by `faultray backtest --format markdown`; `faultray backtest --incident ID` tells one incident in full.",
        "",
        MEANING,
        "",
        RULES,
        "",
        *_markdown_table("All incidents", [("FaultRay", result.overall), *result.baselines]),
        *_markdown_table("By provider", list(result.by_provider)),
        "## By incident",
        "",
        "| Incident | Failed first | Hit | Missed | False alarms | Correctly calm | Facts |",
        "|:--|:--|--:|:--|:--|--:|:--|",
        *(_markdown_row(incident) for incident in result.incidents),
        "",
    ]
    return "\n".join(lines)


def _markdown_table(title: str, rows: list[tuple[str, Accuracy]]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield "| | Hit | Missed | False alarm | Calm | Precision [95 %] | Recall [95 %] | F1 | Specificity [95 %] | Balanced |"
    yield "|:--|--:|--:|--:|--:|:--|:--|--:|:--|--:|"
    for name, each in rows:
        counts = f"{each.true_positive} | {each.false_negative} | {each.false_positive} | {each.true_negative}"
        shares = (
            f"{_range(each.precision)} | {_range(each.recall)} | {_number(each.f1)} | {_range(each.specificity)} | {_number(each.balanced)}"
        )
        yield f"| {name} | {counts} | {shares} |"
    yield ""


def _markdown_row(incident: IncidentResult) -> str:
    missed, alarms = ", ".join(incident.missed) or "–", ", ".join(incident.false_alarms) or "–"
    link = f"[{incident.id}]({incident.url})"
    cells = (link, ", ".join(incident.failed), str(incident.accuracy.true_positive), missed, alarms, str(incident.accuracy.true_negative))
    return "| " + " | ".join((*cells, incident.confidence)) + " |"
