"""What one resource type means to resilience: the schema of the catalogue's YAML, parsed once at the door.

A fact is an *expression* (see `expression.py`) over the attributes of one instance; an attribute that is unknown until apply makes its
value a set of possibilities, of which the builder takes the worst or the best.
msgspec reads it (not pydantic): the same validation at a tenth of the start-up time, which users wait for on every push.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Disposition = Literal["component", "connector", "placement", "firewall", "grant", "modifier", "external", "transparent", "irrelevant"]
"""component: serves and can fail · connector: traffic or data runs through it, it has no failure of its own (listener, target group, task
definition) · placement: says where things stand (subnet, subnet group, route table) · firewall: security group or rule · grant: says who may
call what (a permission, a policy, a role's member) · modifier: sets facts of another resource (autoscaling target, backup plan) · external: a
third party with an SLA · transparent: a helper whose references pass through (random_id) · irrelevant: no outage follows from it (logs, tags)."""

EdgeRole = Literal[
    "need",  # this resource needs the one it refers to
    "optional",  # at most degraded without it
    "async",  # degraded until `buffer_seconds` are spent
    "startup",  # needed to start only
    "serves",  # reverse need: the one referred to needs this one (a listener names its load balancer)
    "feeds",  # messages come to the one referred to through this one; it stands and falls without it, and is missed only where it goes
    "member",  # this one is a copy inside the group referred to; the group needs `servers` of its members
    "replica",  # this one copies the data of the one referred to
    "host",  # its copies run on the copies of the one referred to
    "placement",  # zones (and the way out) come from the one referred to
    "firewall",  # security group attached to this one
    "modifies",  # the `sets` of this one apply to the one referred to
    "modified-by",  # the `sets` of the one referred to apply to this one (a cluster names its configuration)
    "copied-to",  # the data of this one (or of what it protects) is copied to the one referred to
    "key",  # the data of this one is encrypted with the one referred to
    "protects",  # the `covers` of this one protect the data of the one referred to
    "branch",  # another way into the front referred to: an entry of its own beside the front's default (a listener rule)
    "egress-of",  # the way out of the one referred to leads through this one (association -> subnet)
    "egress-via",  # the way out of this one leads through the one referred to (route -> NAT)
    "allows-to",  # firewall rule: traffic into the group referred to
    "allows-from",  # firewall rule: traffic out of the group referred to
    "guards",  # the firewalls attached to this one (an association) guard the one referred to (a subnet, a network interface)
    "joins",  # a way between the networks referred to (a peering)
    "opens",  # a need as well: a private way to the one referred to, which may have no other (a private endpoint)
    "admits",  # a rule that lets calls from public networks in to the one referred to, which takes none without (a server's firewall rule)
    "asks",  # this one calls the one referred to, which has to permit it; no need of its own
    "acts-as",  # this one calls others under the identity referred to
    "grants",  # a grant (or a part of one) says whom or what it is about
    "probes",  # what is behind this one is asked whether it is well as the one referred to says (a rule of a balancer names its probe)
    "filters",  # calls to the one referred to pass this one first (the association of a web filter with what it stands before)
    "filtered-by",  # calls to this one pass the one referred to first
    "named-by",  # users call this one by the one referred to (a route of an edge by its custom domain)
    "swaps-in",  # the one referred to serves in place of what it belongs to (the active slot of an app)
    "slot-of",  # this one belongs to the one referred to and may be swapped in
    "resolves",  # a private zone holds the name of this one (an endpoint), or this one makes the zone known (a link, in its network)
    "none",
]

Scope = Literal["global", "regional", "zonal", "spread"]
"""global: no region event · regional: run by the provider over the zones, no customer-visible copy (zone-pinned where its placement is one
zone) · zonal: each copy stands in one zone and failing it is a zonal event · spread: `copies` over zones."""


class MemberOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Blocks that groups in the same resource name as members (origins of an origin group): `block` holds the reference and its name at `id`,
    `groups` the groups, which hold the names of their members at `among`."""

    block: str
    id: str
    groups: str
    among: str


class EdgeRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a reference at one attribute path is meant, for targets of the types in `to` (patterns: "aws_sqs_*", "kind:queue"; empty: any),
    where `when` holds, an expression over this resource's attributes and the target's under `target`.

    `share`: the target carries a share of the requests of what refers to it, beside others. `member_of`: only for a reference in a block that
    a group names; the members of one group are alternatives. `block`: `when` is asked as if the blocks at that path were the one that holds the
    reference only (the backends of a balancer, one of which is drained); of several that hold it, one for which it holds is enough."""

    role: EdgeRole
    to: tuple[str, ...] = ()
    when: str = ""
    block: str = ""
    group: str = ""
    group_needed: int = 1
    buffer_seconds: float = 0.0
    share: bool = False
    member_of: MemberOf | None = None


class ZoneSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where zones come from, first that answers wins: `names` path(s) holding zone names; `placement` path(s) whose references lead to
    placements (subnets); `count` an expression: so many zones without known names. `prefix` an attribute put before short names ("1" -> "westeurope-1")."""

    names: tuple[str, ...] = ()
    placement: tuple[str, ...] = ()
    count: str = ""
    prefix: str = ""
    when: str = ""


class Cover(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A protection: which loss kinds it covers (media, delete, corruption, key, poison-message, region), when, by which attribute, in words."""

    losses: tuple[str, ...]
    when: str = "true"
    attribute: str = ""
    rule: str = ""


class DataFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Durable data of a component. `losses`: its loss kinds, each with the reliability row of its rate ("media: database_storage").

    `declared`: true where protection is declared, which makes it an asset though nothing refers to it. `final_snapshot`: deletion leaves a
    snapshot or is impossible. `restored`: created from a snapshot or another's data.
    `kept_in`: path of what holds it and takes it along where it goes (the instance of a database)."""

    durable: str = "true"
    losses: dict[str, str] = {}
    covers: tuple[Cover, ...] = ()
    declared: str = "false"
    final_snapshot: str = "false"
    restored: str = "false"
    kept_in: str = ""


class EntryFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When this is where users come in (public load balancer, API, DNS record); `keys`: paths of stable names (DNS) that match two sides.
    `beside`: it is one beside the others and never stands for them (the way in from a customer's site).
    `alternatives`: records of one name, grouped by `group_by` paths: when `failover` holds they are an alternative group led by the one where `primary` holds."""

    when: str = "true"
    beside: bool = False
    keys: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    failover: str = "false"
    primary: str = "true"


class Selects(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A selection by patterns and tags: paths of its `patterns` of ARNs, of its blocks of `key` and `value` (`pairs`), of the patterns that it leaves
    out (`excluding`) and of its `conditions` on tags; `labels`: where a resource holds its tags. `services`: names of services in ARNs that are not the catalogue's."""

    patterns: str
    pairs: str
    excluding: str
    conditions: str
    labels: str
    services: tuple[tuple[str, str], ...] = ()


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A link by labels instead of references (Kubernetes selectors): the map at `labels` must be contained in the map at `target_labels` of a
    resource of type `to` with the same value at `scope` path(s) on both (namespace). `by` instead of labels: equal scalar values at `by` / `target`
    (a path, or a template over attributes: "integrations/{id}").
    With `when` and no `block`: all that it holds for, an expression over this resource's attributes and the target's under `target`; several stand in for
    each other.
    With `selects`: by patterns of its name and by its tags.
    With `block` beside it, `when` says which of the blocks at that path count at all (backends with a share of the traffic).
    With `hosts`: the strings under `by` use one of the target's host names, templates over its attributes ("{metadata.name}.{metadata.namespace}.svc",
    "{name}-*.{namespace}": what begins so). `target_scope`: where the target says it, if elsewhere than at `scope`.
    `share`: the target carries a share of the requests, beside others (a path of an ingress)."""

    to: tuple[str, ...]
    role: EdgeRole
    labels: str = ""
    target_labels: str = ""
    by: str = ""
    target: str = ""
    scope: str = ""
    target_scope: str = ""
    hosts: tuple[str, ...] = ()
    when: str = ""
    block: str = ""
    selects: Selects | None = None
    share: bool = False


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list at the attribute `at` into which resources of the type `by` write an element each (routes of a table): `owner` is the attribute in
    which they name this resource, by its id or what stands at `names`; `same` pairs attributes of theirs with those of the element that they
    wrote, "" for the element itself. `whole`: nothing beside this list says what leads out of where the resource holds."""

    at: str
    by: str
    owner: str
    same: dict[str, str]
    names: tuple[str, ...] = ()
    whole: bool = False


class Awaits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """It is there to be called through a front of the types in `front` (a target group, by a load balancer). Where nothing leads to it, a front
    of them that leads nowhere is not filled from elsewhere. `when`: an expression over its attributes and the front's under `target`."""

    front: tuple[str, ...]
    when: str = "true"


class StartsThrough(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """It cannot start, where `when` holds, unless its network leads out or offers one of these `services` (the registry of its image)."""

    services: tuple[str, ...]
    when: str = "true"


class PathTo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An access path in a network (VPC endpoint): workloads placed in the same network (`network` path) that need a component whose catalogue
    `service` is contained in the text at `service` need this one too. `offers`: path of the name of the service that can be reached through it,
    whether or not calls have to run through it."""

    service: str
    network: str
    offers: str


class CallsOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a workload shows that it calls out through its network: the strings under `texts` use a host on the internet, one that ends in none of
    `within` (what the provider serves inside its networks), or install packages. `when`: it has no way out of its own (an external address)."""

    texts: tuple[str, ...]
    when: str = "true"
    within: tuple[str, ...] = ()


class Hosting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which copies a pool of machines takes. `reserved`: only those that ask for it (taints). `labels` and `names`: paths of the labels of its
    machines, and of what it is called, by which copies ask."""

    reserved: str = "false"
    labels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class PodPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A network policy: paths of the selector of its pods, of its directions, and of the blocks that admit callers and callees."""

    selector: str = "spec.pod_selector"
    types: str = "spec.policy_types"
    ingress: str = "spec.ingress"
    egress: str = "spec.egress"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Kubernetes object as it is written at the first of `paths` that is there, an object or YAML text: it is read as the type that `kinds` names for its kind ("Deployment",
    or "Cluster.postgresql.cnpg.io" with its group), under the names that the typed resources use: `singular` where a list of theirs is called
    otherwise. What stands under `verbatim` are maps of the user's own keys."""

    paths: tuple[str, ...]
    kinds: dict[str, str]
    singular: dict[str, str] = {}
    verbatim: tuple[str, ...] = ()


class ReadAs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where `when` holds the resource is read as `type`, an entry of the catalogue that may be no type of Terraform: one resource type for
    things that have little in common (an autoscaler's target: the tasks of a service, the readers of a database)."""

    when: str
    type: str


class Containers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What listens inside a workload: `at`, paths of its containers (a JSON text is read). Below each of them: `called`, its name, and `ports`, the
    ports that it declares, each with a `number` and a `name`; `probes`, the ports on which it is asked whether it is well, where a name means
    one of its own. `beside`: paths that are set where something else may listen as well. `own_address`: its ports are those that callers see."""

    at: tuple[str, ...]
    ports: str
    number: str
    name: str = ""
    called: str = "name"
    probes: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    own_address: str = "true"


class Forwards(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ports of a front and what it calls behind them (a Service): the blocks `at`, and in each the `number` and the `name` that callers ask
    for, and the `target`, a number or a name of a container's port, the same number where there is none. `when`: it calls them at all."""

    at: str
    number: str
    name: str
    target: str
    when: str = "true"


class Calls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The port on which something calls what it names: in the blocks `at`, what is `named` (equal to `target` of a resource; the name of a
    container where there is none), and the first of `ports` that is there, a number or a name."""

    at: str
    named: str
    ports: tuple[str, ...]
    target: str = ""


Openness = Literal["nobody", "inside", "everybody"]
"""Whom a firewall lets through where no rule of it fits: `inside` may call `inside`."""


class FirewallFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules of a firewall, whoever wrote them: where they stand, what they say, and how they are asked.

    Where: `inline` and `outbound` are blocks of rules inside a group (`outbound`: those that let out); without, the resource is one rule, and
    `group` the path of the group that it belongs to, or, with `by_network`, it holds for the network that it is placed in. `when`: it counts.

    What: `outward` or the value at `direction` ("egress", "Outbound", true) says that calls out are meant. `access`: path of "allow" or "deny"
    ("" for a rule that allows); or `allows` and `denies`, blocks with protocol and `ports`. Ports as ranges (`ports`) or as `from_port` and
    `to_port`. Ends by prefixes: `sources` and `targets` of the call, or `peers`, the far end whichever way. Ends by groups: `source_groups`,
    `target_groups`, `peer_groups`; by tags and accounts: `peer_tags`, `near_tags` (none set: everybody); `self_path`: the group itself. A far end of which nothing is written is
    anybody; with `far_required` or `peers` it is nobody.

    How: all rules that allow are alike, or, with `first`, the first one that fits decides, by `priority`. `open_inward` and `open_outward`: who
    gets through where none fits. `stateless`: answers need a rule of their own. `listed`: as read back from the provider, the blocks hold every
    rule of the group, whoever made it.

    Words among the prefixes: `everyone` is any address, `inside` the networks that are joined, `outside` the internet, `through` services that
    pass on calls of users. `probes`: ranges and words that load balancers outside of the network probe from. `operators`: ports that people who
    run a machine use and its users do not."""

    inline: str = ""
    outbound: str = ""
    group: str = ""
    by_network: bool = False
    when: str = "true"
    direction: str = ""
    outward: bool = False
    first: bool = False
    priority: str = ""
    access: str = ""
    allows: str = ""
    denies: str = ""
    protocol: str = "protocol"
    ports: tuple[str, ...] = ()
    from_port: str = ""
    to_port: str = ""
    peers: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    peer_groups: tuple[str, ...] = ()
    source_groups: tuple[str, ...] = ()
    target_groups: tuple[str, ...] = ()
    peer_tags: tuple[str, ...] = ()
    near_tags: tuple[str, ...] = ()
    self_path: str = ""
    far_required: bool = False
    open_inward: Openness = "nobody"
    open_outward: Openness = "nobody"
    stateless: bool = False
    listed: bool = False
    everyone: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    operators: tuple[int, ...] = ()


Language = Literal["aws", "azure", "google"]
"""How grants are written and held against what is asked: policies with statements, assignments with scopes, bindings with members."""


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call that has to be permitted: of what this resource names at the path `at`, of the types in `to`; with `at` empty, of the resource itself by
    users. It counts where something stands at one of the paths `given` and nothing at `unless` (asked of the block at `block` that holds the reference),
    and where nothing that refers to this resource has anything at `unless_user`.

    `may`: the actions or roles of which one is enough. Who calls: `service`, a name that the provider gives the caller (a pattern; "*": anybody), or the
    identity at the first of the paths `identity` that holds one (of what is named at `actor`, if that calls); the values in `itself` mean the resource's
    own and count as none. `not_enough`: roles (patterns) that are known not to be enough, where others may be.
    `source`: path of what it calls for ("." is the resource itself), which conditions on a source are held against.
    `by_door`: conditions on the source name a way into it behind its ARN (the stage of an API), and behind that what stands at `verb` (a method);
    `beside_doors`: what else they may name there.
    `key`: what it may do with the key that encrypts what it calls, one of these actions is enough.
    `texts`: where the text at `at` is JSON, the paths in it at which it names what it calls. `marked`: what a text must contain to be such a call,
    `unmarked` what it must not.
    `elsewhere`: callers may stand outside of the plan that are permitted by other ways, so that only a grant that goes is evidence.
    """

    language: Language
    may: tuple[str, ...]
    at: str = ""
    to: tuple[str, ...] = ()
    service: str = ""
    identity: tuple[str, ...] = ()
    itself: tuple[str, ...] = ()
    actor: str = ""
    not_enough: tuple[str, ...] = ()
    source: str = ""
    by_door: bool = False
    beside_doors: tuple[str, ...] = ()
    verb: str = ""
    key: tuple[str, ...] = ()
    block: str = ""
    given: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    unless_user: str = ""
    given_by_called: tuple[str, ...] = ()
    unless_called: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    marked: str = ""
    unmarked: str = ""
    elsewhere: bool = False


class GrantFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a resource permits, and what it is to those who ask.

    A grant: `to` are the paths of what may be called (none: the resource itself), `within` attributes that both have in common, `part` the path of the
    one part that it is for (an alias); with `spans` it holds for all that name the same at that path (a project), with `scoped` for all below (a resource
    group). `belongs_to`: paths of the identity to which it belongs. `whom`, `may`: paths of callers and of actions or roles, in the blocks at `block` if
    there are such; `sources` and `accounts` narrow for whom the caller calls, `unjudged` in ways that no plan tells. `documents`: paths of documents that
    say all of it, `statements` the path of blocks that do (a document that is written as a data source), `attaches` the path of the document's resource.
    `exclusive`: nothing else stands beside it ("all"), or nothing else of its role ("role").
    `lists`: the attributes in which the state shows all that stands, whoever made it.

    Who is asked: `of` is the path of that on which grants are held instead (a secret of its vault), `part_of` the attribute that names it as a part there
    (an alias). `open`: it permits anybody where that is set. `delegates`: its own policy decides whether those of an identity count (a key).
    An identity: `known_as` are the attributes by which grants know it, `named_by` the name in what they call it.
    """

    language: Language
    to: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    part: str = ""
    spans: str = ""
    scoped: bool = False
    belongs_to: tuple[str, ...] = ()
    whom: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    block: str = ""
    sources: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    statements: str = ""
    attaches: str = ""
    exclusive: Literal["", "all", "role"] = ""
    lists: tuple[str, ...] = ()
    of: str = ""
    part_of: str = ""
    open: str = ""
    delegates: bool = False
    known_as: tuple[str, ...] = ()
    named_by: str = ""


class FilterFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a filter of calls judges them by rules of its own, where `acts` holds: the blocks at `rules`, the lowest `priority` (a path) first, of which
    the first that fits a call and decides anything is the last that is asked.

    Expressions are asked as if one rule were the only one: `counts`, it is switched on and does not only watch; `refuses`, it lets nothing through of what
    fits it; `passes`, it may let through what fits it. Every call fits a rule all of whose blocks at `conditions` every call fits: `always` says so of one
    of them alone, or, where `by_address` holds, the prefixes at `ranges`, which are all addresses (of IPv4, of which every front takes calls)
    together. What names a set there stands for its `addresses`."""

    rules: str
    priority: str
    conditions: str
    refuses: str
    passes: str
    acts: str = "true"
    counts: str = "true"
    always: str = "false"
    by_address: str = "false"
    ranges: str = ""


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another reliability row or contract where `when` holds (a database with a standby fails over instead of being restored)."""

    when: str
    rates: str = ""
    sla: str = ""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One resource type.

    Expressions: `copies` and `needed` (numbers), `spread` (at most how many zones the copies stand in), `failover` (a stateful primary has an
    automatic standby: gap instead of outage), `port` (that its callers use), `capacity` (a number that demand must fit),
    `regions` (list of further regions that hold a full copy). `listens`: paths of the ports of a front that holds its listeners itself.
    `servers`: "any" = its servers and members are alternatives of which `servers_needed` must serve, "all" = each is needed.
    `rates`: row of reliability.yaml; `variants`: other rows and contracts, the first that holds wins. `service`: provider service of the
    common domain. `sla`: id in sla.yaml.
    `identity`: further attribute paths whose values name it. `show`: further attributes that may be printed
    (every attribute that an expression reads may be). `defaults`: documented defaults of missing attributes.
    `replace`: what replacing it means while applying: outage, rolling (copy by copy), harmless.
    `egress`: a workload that is taken to call out through its subnet's NAT, where `egress_when` holds; `calls_out`: one that is where it shows it.
    `workload`: runs customer code. `agent`: an AI part.
    `joint`: it joins networks (peering, transit gateway): what a route sends there goes to another network and not to the internet.
    `manifest`: it holds an object of Kubernetes, which is read as the type of its kind. `read_as`: conditions under which it is of another kind.
    `pod_policy`: it says who may call pods; `pod_labels`: path of the labels of a workload's pods; `namespace`: it is a namespace of theirs.
    `hosting`: which copies a pool of machines takes; `asks_for`: path of the labels that the machines of a workload must have.
    `door`: where it is a way in to what it needs, without which nobody comes in (the stage of an API); `door_name`: path of what it is called by there.
    `share`: a part of the front that it serves, with requests of its own beside those of other parts (a listener, a route of an API).
    `firewall_tags`: paths of the tags (or accounts) by which firewall rules apply to it.
    `firewall`: a group of rules, or one of them. `addresses`: paths of address prefixes (a subnet) or addresses (an interface).
    `policies_first`: a network asks the firewall policies that guard it before its own rules, not after them.
    `outward`: its placement is its way out only, calls reach it elsewhere. `leads_out`: a placement has a way out that no route tells of.
    `leads_nowhere`: a route drops what would leave, `sends_all`: it hands all that leaves to what joins networks; asked of each of the blocks at
    `routes` where it has several.
    `towards`: paths of the ranges that a route holds for, of a table below those of its `routes`.
    `known_within`: a zone whose names are known in the networks only that it is linked to.
    `public_too`: it may be called from the internet as well. `joined_whole`: a network whose parts reach all of one that it is joined with.
    `passes_callers`: a front behind which users' own addresses
    are seen, so that answers leave by the servers' own routes.
    `latent`: nothing runs of it unless something refers to it (the configuration of an endpoint).
    `private`: it is reached by what `opens` it only. `own_names`: a network asks name servers of its own, so that links of zones do not tell.
    `asks`: calls that have to be permitted; `grants`: what it permits (docs/model.md, grants).
    `retention`: seconds a queue or stream keeps messages.
    `containers`: what listens inside it. `forwards`: the ports of a front and those behind them. `calls`: the ports on which it calls what it
    names. `registers`: the port of a container under which a front behind `serves` knows it.
    `called_on`: list of the ports on which it calls what is behind it. `probe_port`: the one (or a list) on which that is asked whether it is
    well, none where it is the same. `open_ports`: list of the ports that are all it can be called on.
    `is_off`: switched off, what depends on it (data encrypted with a key) is of no use. `refuses_all`: it filters calls and lets none pass.
    `filter`: the same by the rules that it holds, one of which may fit every call.
    `lets_in`: what it serves is reached through it alone, and it lets users in (the controller of ingresses).
    """

    disposition: Disposition
    kind: str = "custom"
    label: str = ""
    scope: Scope = "regional"
    rates: str = ""
    service: str = ""
    sla: str = ""
    variants: tuple[Variant, ...] = ()
    stateful: bool = False
    workload: bool = False
    egress: bool = False
    egress_when: str = ""
    calls_out: CallsOut | None = None
    hosting: Hosting | None = None
    manifest: Manifest | None = None
    read_as: tuple[ReadAs, ...] = ()
    pod_policy: PodPolicy | None = None
    pod_labels: str = ""
    namespace: bool = False
    asks_for: str = ""
    agent: str = ""
    joint: bool = False
    share: bool = False
    door: str = ""
    door_name: str = ""
    copies: str = ""
    needed: str = ""
    spread: str = ""
    failover: str = ""
    regions: str = ""
    recovery: Literal["", "self-heals", "fails-over", "manual-restore"] = ""
    zones: tuple[ZoneSource, ...] = ()
    zone: str = ""
    region: str = ""
    servers: Literal["all", "any"] = "all"
    servers_needed: str = "1"
    port: str = ""
    listens: tuple[str, ...] = ()
    capacity: str = ""
    retention: str = ""
    containers: Containers | None = None
    forwards: Forwards | None = None
    calls: tuple[Calls, ...] = ()
    registers: Calls | None = None
    called_on: str = ""
    probe_port: str = ""
    open_ports: str = ""
    is_off: str = ""
    refuses_all: str = ""
    filter: FilterFacts | None = None
    lets_in: str = ""
    edges: dict[str, EdgeRole | EdgeRule | tuple[EdgeRule, ...]] = {}
    match: tuple[Match, ...] = ()
    path_to: PathTo | None = None
    lists: tuple[Listed, ...] = ()
    awaits: Awaits | None = None
    starts_through: StartsThrough | None = None
    latent: bool = False
    known_within: str = ""
    joined_whole: bool = False
    public_too: str = ""
    passes_callers: bool = False
    towards: tuple[str, ...] = ()
    firewall: FirewallFacts | None = None
    firewall_tags: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    policies_first: str = ""
    outward: bool = False
    leads_out: str = ""
    leads_nowhere: str = ""
    routes: str = ""
    sends_all: str = ""
    private: str = ""
    own_names: str = ""
    asks: tuple[Ask, ...] = ()
    grants: GrantFacts | None = None
    data: DataFacts | None = None
    entry: EntryFacts | None = None
    sets: dict[str, str] = {}
    covers: tuple[Cover, ...] = ()
    identity: tuple[str, ...] = ()
    show: tuple[str, ...] = ()
    defaults: dict[str, str | int | float | bool | None] = {}
    replace: Literal["outage", "rolling", "harmless"] = "outage"
    same_as: str = ""
    source: str = ""
    confidence: Literal["high", "medium", "low"] = "medium"
    note: str = ""


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One catalogue file."""

    provider: str
    types: dict[str, Entry]
    schema: str = "faultray-catalogue/v1"
