"""Filters of calls that let none pass: by a rule that fits every call and is asked before any that lets calls through."""

from __future__ import annotations

from typing import Any

import pytest
from standing_rows import built, row

Json = dict[str, Any]

EDGE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Cdn/profiles/edge"
ENDPOINT = f"{EDGE}/afdEndpoints/shop"
DOMAIN = f"{EDGE}/customDomains/shop"
FILTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/frontDoorWebApplicationFirewallPolicies/waf"
SITE = [("azurerm_cdn_frontdoor_endpoint.shop",) * 2]


def down(*rows: Json) -> list[tuple[str, str]]:
    return [(d.source, d.target) for d in built(*rows).dependencies if d.broken]


# Front Door


def condition(operator: str, *values: str, variable: str = "RequestUri", **facts: Any) -> Json:
    return {
        "operator": operator,
        "match_values": list(values),
        "match_variable": variable,
        "negation_condition": False,
        "transforms": None,
        **facts,
    }


def rule(*conditions: Json, **facts: Any) -> Json:
    return {"action": "Block", "enabled": True, "priority": 10, "type": "MatchRule", "match_condition": list(conditions), **facts}


def behind_edge(
    rules: list[Json], *extra: Json, domain: str = ENDPOINT, names: tuple[str, ...] = (), **facts: Any
) -> list[tuple[str, str]]:
    association = [{"domain": [{"cdn_frontdoor_domain_id": domain}], "patterns_to_match": ["/*"]}]
    firewall = [{"cdn_frontdoor_firewall_policy_id": FILTER, "association": association}]
    route = {"cdn_frontdoor_endpoint_id": ENDPOINT, "cdn_frontdoor_custom_domain_ids": list(names), "enabled": True}
    return down(
        row(
            "azurerm_cdn_frontdoor_firewall_policy",
            "waf",
            {"id": FILTER, "enabled": True, "mode": "Prevention", "custom_rule": rules, **facts},
        ),
        row("azurerm_cdn_frontdoor_security_policy", "waf", {"security_policies": [{"firewall": firewall}]}),
        row("azurerm_cdn_frontdoor_profile", "edge", {"id": EDGE, "name": "edge"}),
        row("azurerm_cdn_frontdoor_endpoint", "shop", {"id": ENDPOINT, "name": "shop", "cdn_frontdoor_profile_id": EDGE, "enabled": True}),
        row("azurerm_cdn_frontdoor_route", "shop", route),
        *extra,
    )


ALL = condition("Contains", "/")
HALF = condition("IPMatch", "0.0.0.0/1", variable="RemoteAddr")
OFFICE = condition("IPMatch", "198.51.100.0/24", variable="RemoteAddr")


@pytest.mark.parametrize(
    "rules",
    (
        [rule(ALL)],
        [rule(condition("RegEx", ".*"))],
        [rule(condition("Any", variable="RequestMethod"))],
        [rule(condition("IPMatch", "0.0.0.0/0", variable="RemoteAddr"))],
        [rule(condition("IPMatch", "0.0.0.0/1", "128.0.0.0/1", variable="SocketAddr"))],
        [rule(ALL, condition("RegEx", ".*"))],
        [rule(OFFICE, priority=1), rule(ALL)],
        [rule(OFFICE, priority=1, action="Log"), rule(ALL)],
        [rule(OFFICE, priority=1, action="Allow", enabled=False), rule(ALL)],
        [rule(ALL), rule(OFFICE, priority=20, action="Allow")],
    ),
)
def test_a_rule_that_refuses_every_call_takes_the_front_down(rules: list[Json]) -> None:
    assert behind_edge(rules) == SITE


@pytest.mark.parametrize(
    "rules",
    (
        [],
        [rule()],
        [rule(ALL, enabled=False)],
        [rule(ALL, action="Log")],
        [rule(ALL, type="RateLimitRule")],
        [rule(condition("Contains", "/admin"))],
        [rule(condition("Contains", "/", negation_condition=True))],
        [rule(condition("Contains", "/", transforms=["UrlEncode"]))],
        [rule(condition("Contains", "/", variable="QueryString"))],
        [rule(condition("IPMatch", "0.0.0.0/0", variable="RemoteAddr", negation_condition=True))],
        [rule(HALF)],
        [rule(HALF), rule(OFFICE, priority=20)],
        [rule(ALL, OFFICE)],
        [rule(ALL), rule(OFFICE, priority=1, action="Allow")],
        [rule(ALL, priority=None)],
    ),
)
def test_a_rule_that_may_let_a_call_pass_takes_nobody_down(rules: list[Json]) -> None:
    assert behind_edge(rules) == []


def test_a_filter_that_only_watches_takes_nobody_down() -> None:
    assert behind_edge([rule(ALL)], mode="Detection") == []
    assert behind_edge([rule(ALL)], enabled=False) == []


def test_users_call_a_front_by_its_own_names() -> None:
    own = row("azurerm_cdn_frontdoor_custom_domain", "shop", {"id": DOMAIN, "host_name": "shop.example.com"})
    assert behind_edge([rule(ALL)], own, domain=DOMAIN, names=(DOMAIN,)) == SITE
    assert behind_edge([rule(ALL)], own, names=(DOMAIN,)) == []
    assert behind_edge([rule(ALL)], own, domain=DOMAIN) == []


# Application Gateway


@pytest.mark.parametrize(
    ("operator", "listener", "found"),
    (
        ("BeginsWith", None, True),
        ("Equal", None, False),
        ("BeginsWith", "/another", False),
    ),
)
def test_the_filter_of_a_gateway_holds_where_its_listeners_have_none(operator: str, listener: str | None, found: bool) -> None:
    fits = {"operator": operator, "match_values": ["/"], "match_variables": [{"variable_name": "RequestUri"}], "negation_condition": False}
    rules = [{"action": "Block", "enabled": True, "priority": 1, "rule_type": "MatchRule", "match_conditions": [fits]}]
    settings = [{"enabled": True, "mode": "Prevention"}]
    gateway = {"id": "/g", "name": "g", "firewall_policy_id": "/waf", "http_listener": [{"name": "web", "firewall_policy_id": listener}]}
    policy = {"id": "/waf", "custom_rules": rules, "policy_settings": settings}
    broken = down(row("azurerm_web_application_firewall_policy", "w", policy), row("azurerm_application_gateway", "g", gateway))
    assert broken == [("azurerm_application_gateway.g",) * 2] * found


# web ACL

ACL = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/edge/1"
SET = "arn:aws:wafv2:eu-west-1:123456789012:regional/ipset/all/1"
BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/1"
PLAIN = [{"priority": 0, "type": "NONE"}]
IN_SET = {"ip_set_reference_statement": [{"arn": SET, "ip_set_forwarded_ip_config": []}]}


def on_path(text: str) -> Json:
    field = [{"uri_path": [{}]}]
    match = {"field_to_match": field, "positional_constraint": "STARTS_WITH", "search_string": text, "text_transformation": PLAIN}
    return {"byte_match_statement": [match]}


def acl_rule(action: str, statement: Json, priority: int = 5) -> Json:
    actions = {kind: [{}] if kind == action else [] for kind in ("allow", "block", "count")}
    return {"priority": priority, "action": [actions], "statement": [statement]}


@pytest.mark.parametrize(
    ("rules", "addresses", "found"),
    (
        ([acl_rule("block", on_path("/"))], [], True),
        ([acl_rule("block", on_path("/admin"))], [], False),
        ([acl_rule("count", on_path("/"))], [], False),
        ([acl_rule("block", {"not_statement": [{"statement": [on_path("/")]}]})], [], False),
        ([acl_rule("block", IN_SET)], ["0.0.0.0/1", "128.0.0.0/1"], True),
        ([acl_rule("block", IN_SET)], ["0.0.0.0/1"], False),
        ([acl_rule("allow", IN_SET, 1), acl_rule("block", on_path("/"))], ["198.51.100.0/24"], False),
        ([acl_rule("allow", IN_SET, 9), acl_rule("block", on_path("/"))], ["198.51.100.0/24"], True),
    ),
)
def test_a_web_acl_refuses_all_by_a_rule_or_by_a_set_of_all_addresses(rules: list[Json], addresses: list[str], found: bool) -> None:
    broken = down(
        row("aws_wafv2_web_acl", "edge", {"arn": ACL, "name": "edge", "default_action": [{"allow": [{}], "block": []}], "rule": rules}),
        row("aws_wafv2_ip_set", "all", {"arn": SET, "addresses": addresses}),
        row("aws_wafv2_web_acl_association", "edge", {"resource_arn": BALANCER, "web_acl_arn": ACL}),
        row("aws_lb", "web", {"arn": BALANCER, "name": "web", "internal": False, "load_balancer_type": "application"}),
    )
    assert broken == [("aws_lb.web", "aws_lb.web")] * found


# security policies


def deny(*ranges: str, **facts: Any) -> Json:
    match = {"versioned_expr": "SRC_IPS_V1", "config": [{"src_ip_ranges": list(ranges)}], "expr": []}
    return {"action": "deny(403)", "priority": 1000, "preview": False, "match": [match], **facts}


LAST = deny("*", action="allow", priority=2147483647)


@pytest.mark.parametrize(
    ("rules", "found"),
    (
        ([deny("*"), LAST], True),
        ([deny("0.0.0.0/1", "128.0.0.0/1"), LAST], True),
        ([deny("198.51.100.0/24"), LAST], False),
        ([deny("*", preview=True), LAST], False),
        ([deny("198.51.100.0/24", action="allow", priority=1), deny("*"), LAST], False),
    ),
)
@pytest.mark.parametrize(("region", "block"), (("", "rule"), ("region_", "rules")))
def test_a_security_policy_that_denies_all_before_it_allows(rules: list[Json], found: bool, region: str, block: str) -> None:
    name = f"google_compute_{region}backend_service"
    policy = row(
        f"google_compute_{region}security_policy", "armor", {"id": "p/armor", "self_link": "https://p/armor", "name": "armor", block: rules}
    )
    service = row(
        name, "web", {"id": "p/web", "name": "web", "security_policy": "https://p/armor", "load_balancing_scheme": "EXTERNAL_MANAGED"}
    )
    assert down(policy, service) == [(f"{name}.web",) * 2] * found
