from __future__ import annotations

from base64 import b64encode
from types import MappingProxyType

from terraform_plans import change, document, edges, kinds, links_of, plan_of, refs, resource, same

from faultray_action.terraform.links import Linker, links
from faultray_action.terraform.plan import LinkKind, Side

SUBNETS = [same(f"aws_subnet.private[{n}]", {"id": f"subnet-0123456{n}"}) for n in range(3)]
COUNTED = resource("aws_subnet.private", count_expression={"constant_value": 3})


def test_the_longest_reference_is_one_link_with_its_attribute() -> None:
    tree = document(
        [same("aws_lb.main", {"id": "lb", "arn": "arn:aws:x:eu-west-1:1:lb/main"}), same("aws_lb_listener.a", {"load_balancer_arn": "?"})],
        [resource("aws_lb.main"), resource("aws_lb_listener.a", {"load_balancer_arn": refs("aws_lb.main.arn", "aws_lb.main")})],
    )
    (link,) = links_of(tree)
    assert (link.source, link.path, link.target, link.attribute) == ("aws_lb_listener.a", "load_balancer_arn", "aws_lb.main", "arn")
    assert link.kind is LinkKind.REFERENCE
    assert link.detail == "aws_lb.main.arn"


def test_paths_of_nested_blocks_have_no_indices() -> None:
    block = [{"forward": [{"target_group": [{"arn": refs("aws_lb_target_group.a.arn", "aws_lb_target_group.a")}]}]}]
    tree = document(
        [same("aws_lb_target_group.a", {"id": "tg"}), same("aws_lb_listener.a", {})],
        [resource("aws_lb_target_group.a"), resource("aws_lb_listener.a", {"default_action": block})],
    )
    assert edges(tree) == {("aws_lb_listener.a", "default_action.forward.target_group.arn", "aws_lb_target_group.a")}


def test_same_index_by_key_where_the_value_is_unknown_and_by_value_where_it_is_known() -> None:
    nats = [change(f"aws_nat_gateway.main[{n}]", None, {}, unknown={"subnet_id": True}) for n in range(3)]
    config = [COUNTED, resource("aws_nat_gateway.main", {"subnet_id": refs("aws_subnet.private", "count.index")}, count_expression={})]
    config[1]["count_expression"] = {"constant_value": 3}
    expected = {(f"aws_nat_gateway.main[{n}]", "subnet_id", f"aws_subnet.private[{n}]") for n in range(3)}
    assert edges(document([*SUBNETS, *nats], config)) == expected
    crossed = [same("aws_nat_gateway.main[0]", {"subnet_id": "subnet-01234562"})]
    assert edges(document([*SUBNETS, *crossed], config)) == {("aws_nat_gateway.main[0]", "subnet_id", "aws_subnet.private[2]")}


def test_a_key_that_no_instance_has_means_all() -> None:
    tasks = [change('aws_instance.app["blue"]', None, {}, unknown={"subnet_id": True})]
    config = [COUNTED, resource("aws_instance.app", {"subnet_id": refs("aws_subnet.private", "each.key")}, for_each_expression=refs())]
    assert len(edges(document([*SUBNETS, *tasks], config))) == 3


def test_literal_keys_splats_and_values() -> None:
    config = [
        COUNTED,
        resource("aws_a.one", {"subnet": refs("aws_subnet.private[1].id", "aws_subnet.private[1]", "aws_subnet.private")}),
        resource("aws_a.all", {"subnets": refs("aws_subnet.private")}),
        resource("aws_a.two", {"subnets": refs("aws_subnet.private")}),
    ]
    rows = [
        change("aws_a.one", None, {}, unknown={"subnet": True}),
        change("aws_a.all", None, {}, unknown={"subnets": True}),
        same("aws_a.two", {"subnets": ["subnet-01234560", "subnet-01234562"]}),
    ]
    found = edges(document([*SUBNETS, *rows], config))
    assert found == {
        ("aws_a.one", "subnet", "aws_subnet.private[1]"),
        *(("aws_a.all", "subnets", f"aws_subnet.private[{n}]") for n in range(3)),
        ("aws_a.two", "subnets", "aws_subnet.private[0]"),
        ("aws_a.two", "subnets", "aws_subnet.private[2]"),
    }


def test_keys_that_look_like_paths() -> None:
    key = 'a.b["c"]/d'
    quoted = key.replace('"', '\\"')
    rows = [same("aws_subnet.x", {"id": "subnet-01234567"}), same("aws_a.y", {"subnet": "?"})]
    rows[0].update(address=f'aws_subnet.x["{quoted}"]', index=key)
    config = [
        resource("aws_subnet.x", for_each_expression=refs()),
        resource("aws_a.y", {"subnet": refs(f'aws_subnet.x["{quoted}"].id', f'aws_subnet.x["{quoted}"]', "aws_subnet.x")}),
    ]
    assert edges(document(rows, config)) == {("aws_a.y", "subnet", f'aws_subnet.x["{quoted}"]')}


MODULES = {
    "net": {
        "expressions": {},
        "module": {
            "resources": [resource("aws_subnet.x")],
            "outputs": {"subnet": {"expression": refs("aws_subnet.x.id", "aws_subnet.x")}, "name": {"expression": {"constant_value": "n"}}},
        },
    },
    "app": {
        "expressions": {"subnet": refs("module.net.subnet", "module.net")},
        "module": {
            "module_calls": {
                "inner": {
                    "expressions": {"place": refs("var.subnet")},
                    "module": {"resources": [resource("aws_instance.x", {"subnet_id": refs("var.place")})]},
                }
            },
            "resources": [],
        },
    },
}


def test_through_outputs_and_inputs_of_nested_modules() -> None:
    rows = [same("module.net|aws_subnet.x", {"id": "subnet-01234567"}), same("module.app.module.inner|aws_instance.x", {"subnet_id": "?"})]
    assert edges(document(rows, [], MODULES)) == {("module.app.module.inner.aws_instance.x", "subnet_id", "module.net.aws_subnet.x")}


def test_module_instances_stay_apart() -> None:
    inner = {
        "expressions": {"place": refs("aws_subnet.s", "each.key")},
        "for_each_expression": refs("var.services"),
        "module": {
            "resources": [
                resource("aws_sg.x", {"subnet": refs("var.place")}),
                resource("aws_app.x", {"sg": refs("aws_sg.x.id", "aws_sg.x")}),
            ],
            "outputs": {"sg": {"expression": refs("aws_sg.x.id", "aws_sg.x")}},
        },
    }
    rows = []
    for key in ("a", "b"):
        rows.append(change(f'aws_subnet.s["{key}"]', None, {}, unknown={"id": True}))
        rows.append(change(f'module.svc["{key}"]|aws_sg.x', None, {}, unknown={"id": True, "subnet": True}))
        rows.append(change(f'module.svc["{key}"]|aws_app.x', None, {}, unknown={"sg": True}))
        rows.append(change(f'aws_peer.keyed["{key}"]', None, {}, unknown={"sg": True}))
    rows.append(change("aws_peer.named", None, {}, unknown={"sg": True}))
    config = [
        resource("aws_subnet.s", for_each_expression=refs()),
        resource("aws_peer.keyed", {"sg": refs("module.svc", "each.key")}, for_each_expression=refs()),
        resource("aws_peer.named", {"sg": refs('module.svc["a"].sg', 'module.svc["a"]', "module.svc")}),
    ]
    assert edges(document(rows, config, {"svc": inner})) == {
        ('module.svc["a"].aws_app.x', "sg", 'module.svc["a"].aws_sg.x'),
        ('module.svc["b"].aws_app.x', "sg", 'module.svc["b"].aws_sg.x'),
        ('module.svc["a"].aws_sg.x', "subnet", 'aws_subnet.s["a"]'),
        ('module.svc["b"].aws_sg.x', "subnet", 'aws_subnet.s["b"]'),
        ('aws_peer.keyed["a"]', "sg", 'module.svc["a"].aws_sg.x'),
        ('aws_peer.keyed["b"]', "sg", 'module.svc["b"].aws_sg.x'),
        ("aws_peer.named", "sg", 'module.svc["a"].aws_sg.x'),
    }


def test_each_value_is_an_element_of_what_for_each_was_given() -> None:
    rows = [change(f'aws_{kind}.x["{key}"]', None, {}, unknown={"id": True, "vpc": True}) for kind in ("vpc", "igw") for key in ("a", "b")]
    config = [
        resource("aws_vpc.x", for_each_expression=refs("var.vpcs")),
        resource("aws_igw.x", {"vpc": refs("each.value.id", "each.value")}, for_each_expression=refs("aws_vpc.x")),
    ]
    assert edges(document(rows, config)) == {(f'aws_igw.x["{key}"]', "vpc", f'aws_vpc.x["{key}"]') for key in ("a", "b")}


def test_a_conditional_that_was_not_taken_is_no_link() -> None:
    rows = [
        same("aws_lb.a", {"id": "arn:aws:x:::lb/a", "arn": "arn:aws:x:::lb/a"}),
        same("aws_lb.b", {"id": "arn:aws:x:::lb/b", "arn": "arn:aws:x:::lb/b"}),
        same("aws_rule.null", {"target": None, "targets": [], "block": []}),
        same("aws_rule.b", {"target": "arn:aws:x:::lb/b"}),
    ]
    config = [
        resource("aws_lb.a"),
        resource("aws_lb.b"),
        resource(
            "aws_rule.null", {"target": refs("aws_lb.a.arn"), "targets": refs("aws_lb.a.arn"), "block": [{"x": refs("aws_lb.a.arn")}]}
        ),
        resource("aws_rule.b", {"target": refs("var.x", "aws_lb.a.arn", "aws_lb.a", "aws_lb.b.arn", "aws_lb.b")}),
    ]
    assert edges(document(rows, config)) == {("aws_rule.b", "target", "aws_lb.b")}


def test_a_reference_to_a_number_is_kept_beside_one_to_a_name() -> None:
    rows = [
        same("aws_db.a", {"id": "db-a", "address": "a.example.rds.amazonaws.com", "port": 5432}),
        same("aws_mq.b", {"id": "mq-b", "port": 61617}),
        same("aws_app.x", {"config": "a.example.rds.amazonaws.com 61617"}),
    ]
    config = [resource("aws_db.a"), resource("aws_mq.b"), resource("aws_app.x", {"config": refs("aws_db.a.address", "aws_mq.b.port")})]
    assert edges(document(rows, config)) == {("aws_app.x", "config", "aws_db.a"), ("aws_app.x", "config", "aws_mq.b")}


def test_data_sources_and_what_they_refer_to() -> None:
    doc = {"id": "1", "json": '{"Resource":"arn:aws:sqs:eu-west-1:123456789012:jobs"}'}
    rows = [
        same("aws_sqs_queue.jobs", {"id": "q", "arn": "arn:aws:sqs:eu-west-1:123456789012:jobs"}),
        change("data.aws_iam_policy_document.x", doc, doc, actions=["no-op"]),
        same("aws_iam_policy.x", {"policy": doc["json"]}),
    ]
    config = [
        resource("aws_sqs_queue.jobs"),
        resource("data.aws_iam_policy_document.x", {"statement": [{"resources": refs("aws_sqs_queue.jobs.arn", "aws_sqs_queue.jobs")}]}),
        resource("aws_iam_policy.x", {"policy": refs("data.aws_iam_policy_document.x.json", "data.aws_iam_policy_document.x")}),
    ]
    assert edges(document(rows, config)) >= {
        ("aws_iam_policy.x", "policy", "data.aws_iam_policy_document.x"),
        ("aws_iam_policy.x", "policy", "aws_sqs_queue.jobs"),
        ("data.aws_iam_policy_document.x", "statement.resources", "aws_sqs_queue.jobs"),
    }


def test_depends_on_is_said_as_such() -> None:
    rows = [same("aws_a.x", {}), same("aws_b.x", {}), same("module.m|aws_c.x", {})]
    calls = {"m": {"expressions": {}, "module": {"resources": [resource("aws_c.x")]}}}
    config = [resource("aws_a.x"), resource("aws_b.x", depends_on=["aws_a.x", "module.m"])]
    assert kinds(document(rows, config, calls)) == {
        ("aws_b.x", "", "aws_a.x"): LinkKind.DEPENDS_ON,
        ("aws_b.x", "", "module.m.aws_c.x"): LinkKind.DEPENDS_ON,
    }


LOCAL = document(
    [
        change("aws_vpc.x", None, {}, unknown={"id": True}),
        change("aws_subnet.x", None, {}, unknown={"vpc_id": True}),
    ],
    [resource("aws_vpc.x"), resource("aws_subnet.x", {"vpc_id": refs("local.vpc_id")})],
)


def test_locals_are_followed_where_their_source_is_known_and_counted_where_not() -> None:
    plan = plan_of(LOCAL)
    lost = links(plan, Side.AFTER)
    assert lost.links == ()
    assert dict(lost.unresolved) == {"local without source": 1}
    known = {"": {"vpc_id": ("local.vpc", "local.loop"), "vpc": ("aws_vpc.x.id", "aws_vpc.x"), "loop": ("local.loop",)}}
    found = links(plan, Side.AFTER, locals_by_module=known)
    assert [(link.source, link.target) for link in found.links] == [("aws_subnet.x", "aws_vpc.x")]
    assert dict(found.unresolved) == {}


def test_an_unresolved_local_falls_back_to_values_and_to_the_state() -> None:
    rows = [same("aws_vpc.x", {"id": "vpc-01234567"}), same("aws_kms_key.k", {"id": "k"}), same("aws_subnet.x", {"vpc_id": "vpc-01234567"})]
    config = [
        resource("aws_vpc.x"),
        resource("aws_kms_key.k"),
        resource("aws_subnet.x", {"vpc_id": refs("local.vpc"), "key": refs("local.k")}),
    ]
    state = [
        {"address": row["address"], "mode": "managed", "type": row["type"], "name": row["name"], "values": {}, "depends_on": depends}
        for row, depends in zip(rows, ([], [], ["aws_kms_key.k", "aws_vpc.x"]), strict=True)
    ]
    tree = document(rows, config, prior_state={"values": {"root_module": {"resources": state}}})
    assert kinds(tree) == {("aws_subnet.x", "vpc_id", "aws_vpc.x"): LinkKind.VALUE, ("aws_subnet.x", "", "aws_kms_key.k"): LinkKind.STATE}


QUEUE = {"id": "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs", "arn": "arn:aws:sqs:eu-west-1:123456789012:jobs", "name": "jobs"}
DATABASE = {"id": "db-1", "address": "main.abcdef.eu-west-1.rds.amazonaws.com", "endpoint": "main.abcdef.eu-west-1.rds.amazonaws.com:5432"}


def test_before_uses_the_configuration_only_where_the_value_did_not_change() -> None:
    before = {"env": f"db={DATABASE['address']} queue={QUEUE['id']}", "role": "r"}
    after = {"env": f"db={DATABASE['address']}", "role": "r"}
    tree = document(
        [
            change("aws_sqs_queue.jobs", QUEUE, None),
            same("aws_db_instance.main", DATABASE),
            same("aws_iam_role.r", {"id": "r", "name": "r"}),
            change("aws_app.x", before, after),
            change("aws_app.new", None, after),
        ],
        [
            resource("aws_db_instance.main"),
            resource("aws_iam_role.r"),
            *(
                resource(f"aws_app.{name}", {"env": refs("aws_db_instance.main.address"), "role": refs("aws_iam_role.r.name")})
                for name in ("x", "new")
            ),
        ],
    )
    assert edges(tree, Side.BEFORE) == {
        ("aws_app.x", "env", "aws_db_instance.main"),
        ("aws_app.x", "env", "aws_sqs_queue.jobs"),
        ("aws_app.x", "role", "aws_iam_role.r"),
    }
    assert edges(tree, Side.AFTER) == {
        (f"aws_app.{name}", path, target)
        for name in ("x", "new")
        for path, target in (("env", "aws_db_instance.main"), ("role", "aws_iam_role.r"))
    }


def test_a_deleted_instance_of_a_block_that_stands_named_what_its_key_says() -> None:
    pools = [
        change(f'aws_pool.x["{key}"]', {"id": f"cluster:{key}", "name": key}, None if key == "c" else {"id": f"cluster:{key}", "name": key})
        for key in "abc"
    ]
    joined = [{"group": f"eks-{key}", "owner": "dc"} for key in "abc"]
    rows = [change(f'aws_join.x["{key}"]', row, None if key == "c" else row) for key, row in zip("abc", joined, strict=True)]
    tree = document(
        [*pools, *rows, same("aws_owner.o", {"id": "dc"})],
        [
            resource("aws_pool.x", for_each_expression=refs()),
            resource("aws_owner.o"),
            resource(
                "aws_join.x",
                {"group": refs("each.value.name", "each.value"), "owner": refs("aws_owner.o.id")},
                for_each_expression=refs("aws_pool.x"),
            ),
        ],
    )
    for key in "abc":
        assert {(path, target) for source, path, target in edges(tree, Side.BEFORE) if source == f'aws_join.x["{key}"]'} == {
            ("group", f'aws_pool.x["{key}"]'),
            ("owner", "aws_owner.o"),
        }


def test_a_queue_and_its_consumer_of_one_name_are_told_apart_in_a_value_that_changed() -> None:
    consumer = {"id": "jobs", "arn": "arn:aws:lambda:eu-west-1:123456789012:function:jobs", "function_name": "jobs"}
    for before in (QUEUE["id"], f'{{"send": "{QUEUE["id"]}"}}'):
        tree = document(
            [
                change("aws_sqs_queue.jobs", QUEUE, None),
                same("aws_lambda_function.jobs", consumer),
                change("aws_app.x", {"env": before}, {"env": consumer["function_name"]}),
            ],
            [resource("aws_lambda_function.jobs"), resource("aws_app.x", {"env": refs("aws_lambda_function.jobs.function_name")})],
        )
        assert edges(tree, Side.BEFORE) == {("aws_app.x", "env", "aws_sqs_queue.jobs")}
        assert edges(tree) == {("aws_app.x", "env", "aws_lambda_function.jobs")}


def test_a_text_that_changed_names_before_what_it_says_in_base64() -> None:
    table = {"id": "rides", "name": "rides"}
    before, after = ({"user_data": b64encode(f"TABLE=rides\nRELEASE={release}\n".encode()).decode()} for release in (1, 2))
    tree = document(
        [same("aws_dynamodb_table.t", table), change("aws_launch_template.x", before, after)],
        [resource("aws_dynamodb_table.t"), resource("aws_launch_template.x", {"user_data": refs("aws_dynamodb_table.t.name")})],
    )
    assert edges(tree, Side.BEFORE) == edges(tree, Side.AFTER) == {("aws_launch_template.x", "user_data", "aws_dynamodb_table.t")}


def test_an_element_of_for_each_that_is_not_known_yet_is_what_makes_a_value_unknown() -> None:
    known = {"id": "lb-1", "dns_name": "old-123.elb.amazonaws.com"}
    row = {"name": "old-123.elb.amazonaws.com"}
    tree = document(
        [
            same("aws_lb.old", known),
            change("aws_lb.new", None, {}, unknown={"id": True, "dns_name": True}),
            same('aws_record.x["old"]', row),
            change('aws_record.x["new"]', None, {}, unknown={"name": True}),
        ],
        [
            resource("aws_lb.old"),
            resource("aws_lb.new"),
            resource("aws_record.x", {"name": refs("each.value")}, for_each_expression=refs("aws_lb.old.dns_name", "aws_lb.new.dns_name")),
        ],
    )
    assert edges(tree) == {('aws_record.x["old"]', "name", "aws_lb.old"), ('aws_record.x["new"]', "name", "aws_lb.new")}


def test_what_is_deleted_links_by_values_and_by_the_recorded_dependencies_that_are_direct() -> None:
    rows = [
        same("aws_vpc.x", {"id": "vpc-01234567"}),
        same("aws_lb.x", {"id": "lb", "vpc": "vpc-01234567"}),
        change("aws_app.gone", {"lb": "hidden", "vpc_id": "vpc-01234567"}, None),
        same("aws_role.x", {"id": "role-x"}),
    ]
    depends = {"aws_lb.x": ["aws_vpc.x"], "aws_app.gone": ["aws_lb.x", "aws_role.x", "aws_vpc.x"]}
    state = [
        {
            "address": r["address"],
            "mode": "managed",
            "type": r["type"],
            "name": r["name"],
            "values": {},
            "depends_on": depends.get(r["address"]),
        }
        for r in rows
    ]
    tree = document(
        rows,
        [resource("aws_vpc.x"), resource("aws_lb.x"), resource("aws_role.x")],
        prior_state={"values": {"root_module": {"resources": state}}},
    )
    found = {key: kind for key, kind in kinds(tree, Side.BEFORE).items() if key[0] == "aws_app.gone"}
    assert found == {
        ("aws_app.gone", "vpc_id", "aws_vpc.x"): LinkKind.VALUE,
        ("aws_app.gone", "", "aws_lb.x"): LinkKind.STATE,
        ("aws_app.gone", "", "aws_role.x"): LinkKind.STATE,
    }
    assert not any(source == "aws_app.gone" for source, _, _ in edges(tree, Side.AFTER))


def test_moved_resources_keep_their_links_before() -> None:
    rows = [same("aws_db.new", {"id": "db-0123456789"}, previous_address="aws_db.old"), same("aws_app.x", {"db": "db-0123456789"})]
    tree = document(rows, [resource("aws_db.new"), resource("aws_app.x", {"db": refs("aws_db.new.id", "aws_db.new")})])
    assert edges(tree, Side.BEFORE) == edges(tree, Side.AFTER) == {("aws_app.x", "db", "aws_db.new")}


def test_deposed_objects_have_no_links() -> None:
    gone = change("aws_app.x", {"vpc": "vpc-01234567"}, None, deposed="12ab")
    tree = document([same("aws_vpc.x", {"id": "vpc-01234567"}), same("aws_app.x", {}), gone])
    assert edges(tree, Side.BEFORE) == set()


def test_recorded_is_the_state_before_drift_was_seen() -> None:
    rows = [
        same("aws_sg.a", {"id": "sg-0123456789abcdef0"}),
        same("aws_sg.b", {"id": "sg-0123456789abcdef1"}),
        same("aws_app.x", {"sg": "sg-0123456789abcdef1"}),
    ]
    tree = document(rows, resource_drift=[change("aws_app.x", {"sg": "sg-0123456789abcdef0"}, {"sg": "sg-0123456789abcdef1"})])
    assert edges(tree, Side.RECORDED) == {("aws_app.x", "sg", "aws_sg.a")}
    assert edges(tree, Side.BEFORE) == {("aws_app.x", "sg", "aws_sg.b")}


def test_links_do_not_depend_on_the_order_of_sides_or_of_the_plan() -> None:
    rows = [*SUBNETS, same("aws_a.two", {"subnets": ["subnet-01234560", "subnet-01234562"]})]
    config = [COUNTED, resource("aws_a.two", {"subnets": refs("aws_subnet.private")})]
    linker = Linker(plan_of(document(rows, config)))
    after = linker.links(Side.AFTER)
    assert linker.links(Side.BEFORE) == after
    assert Linker(plan_of(document(rows[::-1], config[::-1]))).links(Side.AFTER) == after
    assert list(after.links) == sorted(after.links, key=lambda link: (link.source, link.path, link.target))
    assert isinstance(after.unresolved, MappingProxyType)


def test_configurations_that_refer_in_circles_end() -> None:
    call = {
        "expressions": {"a": refs("module.m.out", "module.m")},
        "module": {
            "resources": [resource("aws_a.x", {"v": refs("var.a")})],
            "outputs": {"out": {"expression": refs("var.a", "module.m.out")}},
        },
    }
    deep = [resource("data.aws_d.x", {"v": refs("data.aws_d.y.id")}), resource("data.aws_d.y", {"v": refs("data.aws_d.x.id")})]
    tree = document([same("module.m|aws_a.x", {"v": "?"})], [*deep, resource("aws_b.x", {"v": refs("data.aws_d.x.id")})], {"m": call})
    assert edges(tree) == set()


def test_no_link_carries_a_value() -> None:
    secret = "postgres://app:hunter2-secret@main.abcdef.eu-west-1.rds.amazonaws.com:5432/app"
    tree = document([same("aws_db_instance.main", DATABASE), same("aws_app.x", {"url": secret})])
    (link,) = links_of(tree)
    assert link.kind is LinkKind.VALUE
    assert "hunter2" not in repr(link)
    assert link.detail == "endpoint"


def test_several_plans_link_by_values_only() -> None:
    from faultray_action.terraform.reader import merge

    network = plan_of(document([same("aws_subnet.x", {"id": "subnet-01234567"})], [resource("aws_subnet.x")]))
    app = plan_of(document([same("aws_app.x", {"subnet": "subnet-01234567"})], [resource("aws_app.x", {"subnet": refs("var.subnet")})]))
    found = Linker(merge([network, app])).links(Side.AFTER).links
    assert [(link.source, link.target, link.kind) for link in found] == [("aws_app.x", "aws_subnet.x", LinkKind.VALUE)]


def test_dynamic_blocks_are_taken_from_the_source() -> None:
    rows = [same("aws_tg.a", {"id": "tg-a"}), same("aws_rule.r", {"action": [{"arn": "?"}]})]
    tree = document(rows, [resource("aws_tg.a"), resource("aws_rule.r")])
    written = {"": {"aws_rule.r": [("action.arn", ("aws_tg.a.arn", "aws_tg.a"))]}}
    assert edges(tree) == set()
    assert edges(tree, written_by_module=written) == {("aws_rule.r", "action.arn", "aws_tg.a")}


def test_silent_types_are_targets_only() -> None:
    rows = [same("aws_role.a", {"id": "a", "key": "?"}), same("aws_key.k", {"id": "k"}), same("aws_app.x", {"role": "?"})]
    config = [
        resource("aws_role.a", {"key": refs("aws_key.k.id")}),
        resource("aws_key.k"),
        resource("aws_app.x", {"role": refs("aws_role.a.id")}),
    ]
    assert edges(document(rows, config), silent=frozenset({"aws_role"})) == {("aws_app.x", "role", "aws_role.a")}


def test_a_plan_with_other_values_reuses_the_resolved_configuration() -> None:
    config = [COUNTED, resource("aws_a.one", {"subnet": refs("aws_subnet.private", "local.x")})]
    first = plan_of(document([*SUBNETS, same("aws_a.one", {"subnet": "subnet-01234561"})], config))
    second = plan_of(document([*SUBNETS, same("aws_a.one", {"subnet": "subnet-01234562"})], config))
    linker = Linker(first)
    linker.links(Side.AFTER)
    for side in Side:
        assert linker.on(second).links(side) == Linker(second).links(side)
