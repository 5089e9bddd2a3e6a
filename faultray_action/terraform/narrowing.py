"""Which of several instances a reference means, judged by the value that stands at the attribute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from faultray_action.model.value import UNKNOWN
from faultray_action.terraform.attributes import Path, strings_in, values_at
from faultray_action.terraform.plan import Resource
from faultray_action.terraform.references import Target
from faultray_action.terraform.regions import own_region
from faultray_action.terraform.roster import NO_KEY, Instances, wanted_key
from faultray_action.terraform.values import Identities, decoded, is_specific

Tree = Mapping[str, Any]
Candidate = tuple[Resource, Target]
_MIN_FRAGMENT = 4
_SHORT = 256
MANY = 12
"""Instances of one block beyond which it pays to look them up."""
_WORK_EACH = 64
"""Steps of a look-up that one instance is worth: searching a text for what one leaves takes about as long."""


class Narrower:
    """Judges candidates by the trees and identity values of one side."""

    def __init__(self, trees: Mapping[str, Tree], identities: Identities) -> None:
        self.trees = trees
        self._identities = identities
        self._known: dict[tuple[int, str], _Occurrences] = {}

    def few(self, source: Resource, target: Target, rows: Sequence[Resource], values: Sequence[Any], *, only: bool) -> Sequence[Resource]:
        """The instances of a large block that `narrow` would leave of it, found without a look at each: those that occur in the value, else,
        where the target is the `only` one of its attribute, the one with the same key. All of them where that cannot be told so."""
        if not isinstance(rows, Instances):
            return rows
        texts, unknown = strings_in(list(values))
        if texts and unknown:
            return rows
        index = self._occurrences(rows, target.attribute) if texts else None
        found = index.found_in(texts) if index is not None else ()
        if found is None:
            return rows
        hits = [row for row in found if row is not source]
        if hits or not only or target.chosen or target.key.rule != "same":
            return hits or rows
        wanted = wanted_key(target.key, source)
        same = rows.by_key.get(wanted, ()) if wanted is not NO_KEY else ()
        return [row for row in same if row is not source and row.address in self.trees] or rows

    def _occurrences(self, rows: Instances, attribute: str) -> _Occurrences:
        mark = id(rows), attribute
        known = self._known.get(mark)
        if known is None:
            left = [(row, list(self._of(row, attribute))) for row in rows if row.address in self.trees]
            known = self._known[mark] = _Occurrences(left)
        return known

    def narrow(self, source: Resource, candidates: Sequence[Candidate], values: Sequence[Any]) -> list[Candidate]:
        """Keep the candidates whose identity occurs in the value; where values do not tell, those with the same key."""
        texts, unknown = strings_in(list(values))
        if not texts and unknown:
            candidates = self._still_open(candidates)
        occurring = self._occurring(candidates, texts) if texts else []
        if not occurring:
            return same_keys(source, candidates)
        kept = {(row.address, target) for row, target in occurring}
        told = {target for _, target in occurring}
        return [
            (row, target)
            for row, target in candidates
            if (row.address, target) in kept or not self._refuted(row, target, target in told, texts, unknown)
        ]

    def occurring(self, candidates: Sequence[Candidate], values: Sequence[Any]) -> list[Candidate]:
        """Candidates one of whose identity values occurs in the values, and nothing else."""
        return self._occurring(candidates, strings_in(list(values))[0])

    def twins_apart(self, source: Resource, candidates: Sequence[Candidate], values: Sequence[Any]) -> list[Candidate]:
        """Instances of one resource that leave the very same text (services of one name, one in each region) are not all meant by a text that
        stands once: those with the source's own key are, else those of its region. Where neither tells, all of them."""
        if len({id(target) for _, target in candidates}) == len(candidates):
            return list(candidates)
        texts = Counter(strings_in(list(values))[0])
        alike: dict[tuple[Target, frozenset[str]], list[Resource]] = {}
        for row, target in candidates:
            alike.setdefault((target, frozenset(texts.keys() & self._left_by(row, target))), []).append(row)
        kept = list(candidates)
        for (target, stated), rows in alike.items():
            if len(rows) > 1 and 0 < sum(texts[text] for text in stated) < len(rows):
                meant = _of_key(source, target, rows) or _of_region(source, rows) or rows
                kept = [(row, other) for row, other in kept if other is not target or row not in rows or row in meant]
        return kept

    def _occurring(self, candidates: Sequence[Candidate], texts: Sequence[str]) -> list[Candidate]:
        """Whole strings first, else bounded inside longer ones and inside what they encode; an ARN or a URL that is somebody else's says nothing
        of who bears the name in it (a queue and its consumer are often called the same)."""
        whole = set(texts)
        texts = [*texts, *(plain for text in texts if (plain := decoded(text)))]
        taken = self._unmistakable(texts)
        found: list[Candidate] = []
        for row, target in candidates:
            said = list(self._left_by(row, target))
            inside = [part for value in said if len(value) >= _MIN_FRAGMENT for part in fragments(value)]
            within = texts
            for value, owners in taken.items() if inside else ():
                within = [text.replace(value, " ") for text in within] if row.address not in owners else within
            if not whole.isdisjoint(said) or any(occurs(part, text) for part in inside for text in within):
                found.append((row, target))
        return found

    def _unmistakable(self, texts: Iterable[str]) -> dict[str, set[str]]:
        """The ARNs and URLs that were found in texts, longest first, with the addresses of those whose they are."""
        mentioned = {mention.value for text in texts for mention in self._identities.found.get(text, ()) if ":" in mention.value}
        holders = self._identities.holders
        return {value: {held.resource.address for held in holders[value]} for value in sorted(mentioned, key=lambda v: (-len(v), v))}

    def _own_values(self, row: Resource, target: Target) -> list[str]:
        """What a reference to this resource leaves in a text, as far as it is long enough to be found inside of one."""
        return [text for text in self._left_by(row, target) if len(text) >= _MIN_FRAGMENT]

    def _left_by(self, row: Resource, target: Target) -> Iterable[str]:
        """The attribute that a reference reads, or any identity value where it reads the whole."""
        return self._of(row, target.attribute)

    def _of(self, row: Resource, attribute: str) -> Iterable[str]:
        tree = self.trees[row.address]
        read = values_at(tree, _steps(attribute)) if attribute else None
        return self._identities.values_of(row, tree) if read is None else strings_in(read)[0]

    def _still_open(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Of the elements that `for_each` chooses from, those that are not known yet, since the value is not: all of them where each is known."""
        chosen = [(row, target) for row, target in candidates if target.chosen and self._may_be_unknown(row, target)]
        return [*(pair for pair in candidates if not pair[1].chosen), *chosen] if chosen else list(candidates)

    def _refuted(self, row: Resource, target: Target, told: bool, texts: Sequence[str], unknown: bool) -> bool:
        """Whether the value speaks against a candidate that does not occur in it while others do; `told`: others of the same reference do."""
        if self._may_be_unknown(row, target):
            return not unknown and (told or target.chosen)
        own = self._own_values(row, target)
        if told or not own:
            return told
        return any(is_specific(value) for value in own) or (not target.attribute and all(len(text) < _SHORT for text in texts))

    def _may_be_unknown(self, row: Resource, target: Target) -> bool:
        tree = self.trees[row.address]
        if target.attribute:
            values = values_at(tree, _steps(target.attribute))
            return not values or strings_in(values)[1]
        return tree.get("id") is UNKNOWN or tree.get("arn") is UNKNOWN


class _Occurrences:
    """Which instances of a large block occur in texts, by what a reference to each leaves there: a look-up instead of a search for each."""

    def __init__(self, left: Sequence[tuple[Resource, Sequence[str]]]) -> None:
        self._order = {id(row): number for number, (row, _) in enumerate(left)}
        self._whole: dict[str, list[Resource]] = {}
        self._parts: dict[str, list[Resource]] = {}
        for row, said in left:
            for value in dict.fromkeys(said):
                self._whole.setdefault(value, []).append(row)
                if len(value) >= _MIN_FRAGMENT:
                    for part in fragments(value):
                        self._parts.setdefault(part, []).append(row)
        self._lengths = sorted({len(part) for part in self._parts})

    def found_in(self, texts: Sequence[str]) -> Sequence[Resource] | None:
        """The instances that occur, in their order, as `Narrower.occurring` finds them; None where a search for each is the shorter way."""
        found: dict[int, Resource] = {}
        budget = _WORK_EACH * len(self._order)
        for text in texts:
            found.update((id(row), row) for row in self._whole.get(text, ()))
        for text in [*texts, *(plain for text in texts if (plain := decoded(text)))]:
            starts = [at for at in range(len(text)) if not _is_word(text[at - 1 : at])]
            budget -= len(text) + len(starts) * len(self._lengths)
            if budget < 0:
                return None
            for start in starts:
                for length in self._lengths:
                    end = start + length
                    if end > len(text):
                        break
                    if not _is_word(text[end : end + 1]):
                        found.update((id(row), row) for row in self._parts.get(text[start:end], ()))
        return sorted(found.values(), key=lambda row: self._order[id(row)])


def _of_key(source: Resource, target: Target, rows: Sequence[Resource]) -> list[Resource]:
    wanted = wanted_key(target.key, source)
    return [row for row in rows if row.index == wanted] if wanted is not NO_KEY else []


def _of_region(source: Resource, rows: Sequence[Resource]) -> list[Resource]:
    """Those whose own values show the region that the source's show."""
    here = own_region(source.before, source.after)
    return [row for row in rows if own_region(row.before, row.after) == here] if here else []


def same_keys(source: Resource, candidates: Sequence[Candidate]) -> list[Candidate]:
    """For each reference by `count.index` or `each.key`: the instance with that key, or all where there is none."""
    by_target: dict[Target, list[Resource]] = {}
    for row, target in candidates:
        by_target.setdefault(target, []).append(row)
    kept: list[Candidate] = []
    for target, rows in by_target.items():
        wanted = wanted_key(target.key, source) if target.key.rule == "same" else NO_KEY
        same = [row for row in rows if row.index == wanted] if wanted is not NO_KEY else []
        kept.extend((row, target) for row in same or rows)
    return kept


@lru_cache(maxsize=4096)
def _steps(attribute: str) -> Path:
    return tuple(part.split("[", 1)[0] for part in attribute.split(".") if part and not part.startswith("["))


def fragments(value: str) -> tuple[str, ...]:
    """What functions like `split` leave of an identity: all of it, its last segment, the host of an endpoint.

    >>> fragments("https://sqs.eu-west-1.amazonaws.com/1/jobs"), fragments("db.example.com:5432")
    (('https://sqs.eu-west-1.amazonaws.com/1/jobs', 'jobs'), ('db.example.com:5432', 'db.example.com'))
    """
    bare = value.split("://", 1)[-1].rstrip("/")
    part = bare.rsplit("/", 1)[-1] if "/" in bare else bare.split(":", 1)[0]
    if value.startswith("arn:"):
        part = bare.replace(":", "/").rsplit("/", 1)[-1]
    return tuple(dict.fromkeys(text for text in (value, part) if len(text) >= _MIN_FRAGMENT and not text.isdigit()))


def occurs(needle: str, text: str) -> bool:
    """Whether a text holds the needle as a whole word: no letter, digit, dash or underscore beside it.

    >>> occurs("web-1", "web-1,web-2"), occurs("web-1", "web-10")
    (True, False)
    """
    start = text.find(needle)
    while start >= 0:
        end = start + len(needle)
        if not _is_word(text[start - 1 : start]) and not _is_word(text[end : end + 1]):
            return True
        start = text.find(needle, start + 1)
    return False


def _is_word(character: str) -> bool:
    return character.isalnum() or character in ("-", "_") if character else False
