//! Expressions: the worked examples of template-language 4.5 exactly, references, findings, laziness and bounds.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod expression_support;

use expression_support::{TestScope, World, codes, findings, json};
use oos_core::{
    Map, Value,
    expr::{
        ExprError, ExprKind, Function, FunctionContext, Functions, Kind, Segment, Stop, Target, drop_nulls, evaluate,
        is_direct_reference, truth,
    },
    source::{Key, Node, NodeKind, SourceText, Span},
};

/// The values of the worked examples.
fn world() -> World {
    World::new()
        .parameter("ids", json(r#"["i-1","i-2","i-3"]"#))
        .parameter("info", json(r#"{"a":1,"b":null}"#))
        .parameter("text", Value::from("{{oos-secret:Pw}}"))
        .parameter("nested", json(r#"[["a"],null,["b","c"]]"#))
        .parameter("gaps", json(r#"["t1",null,"t2"]"#))
        .parameter("nulls", json("[null,null]"))
        .parameter("days", Value::Int(7))
        .parameter("yes", Value::Bool(true))
        .task("list", &[("x", json("1")), ("ids", json(r#"["i-1",null]"#))])
        .task("skipped", &[("x", Value::Null)])
}

fn check_table(cases: &[(&str, &str)]) {
    for (call, expected) in cases {
        let value = world().evaluate(&json(call)).unwrap_or_else(|e| panic!("{call}: {e:?}"));
        assert_eq!(value.to_string(), *expected, "{call}");
        assert_eq!(value.kind(), json(expected).kind(), "{call}");
    }
}

fn message(call: &str) -> String {
    match world().evaluate(&json(call)) {
        Err(Stop::Error(error)) => error.message.to_string(),
        other => panic!("{call}: {other:?}"),
    }
}

fn found(node: &str) -> Vec<String> {
    findings(&world().compile(&json(node)).1)
}

#[test]
fn worked_examples_of_text() {
    check_table(&[
        (r#"{"Fn::Base64Encode": "hello"}"#, r#""aGVsbG8=""#),
        (r#"{"Fn::Base64Encode": "echo 你好"}"#, r#""ZWNobyDkvaDlpb0=""#),
        (r#"{"Fn::Base64Decode": "aGVsbG8="}"#, r#""hello""#),
        (r#"{"Fn::Join": [",", "{{ ids }}"]}"#, r#""i-1,i-2,i-3""#),
        (r#"{"Fn::Join": ["", ["a", 1, true, null, ["z"]]]}"#, r#""a1true[\"z\"]""#),
        (r#"{"Fn::Split": [".", "10.0.0.0/8"]}"#, r#"["10","0","0","0/8"]"#),
        (
            r#"{"Fn::Select": [0, {"Fn::Split": ["}", {"Fn::Select": [1, {"Fn::Split": [":", "{{ text }}"]}]}]}]}"#,
            r#""Pw""#,
        ),
        (r#"{"Fn::Replace": [{".": "_"}, "OOS-exec-1.0001.0002"]}"#, r#""OOS-exec-1_0001_0002""#),
        (r#"{"Fn::Replace": [{"{PrivateIpAddress}": "10.0.0.9"}, "node-{PrivateIpAddress}"]}"#, r#""node-10.0.0.9""#),
        (r#"{"Fn::Sub": ["cd ${dir} && echo ${HOME}", {"dir": "/srv"}]}"#, r#""cd /srv && echo ${HOME}""#),
        (r#"{"Fn::Escape": ["{\"a\":1}", "powershell"]}"#, r#""{\\\"a\\\":1}""#),
        (r#"{"Fn::ContainsSubString": ["a/b", "/"]}"#, "true"),
    ]);
}

#[test]
fn worked_examples_of_lists() {
    check_table(&[
        (r#"{"Fn::Select": [1, "{{ ids }}"]}"#, r#""i-2""#),
        (r#"{"Fn::Select": ["1", "{{ ids }}"]}"#, r#""i-2""#),
        (r#"{"Fn::Select": [-1, "{{ ids }}"]}"#, r#""i-3""#),
        (r#"{"Fn::Select": [7, "{{ ids }}"]}"#, r#""""#),
        (r#"{"Fn::Select": ["b", "{{ info }}"]}"#, "null"),
        (r#"{"Fn::Select": ["c", "{{ info }}"]}"#, r#""""#),
        (r#"{"Fn::Min": [3, 1, 2]}"#, "1"),
        (r#"{"Fn::Max": [3, 1, 2]}"#, "3"),
        (r#"{"Fn::First": "{{ ids }}"}"#, r#""i-1""#),
        (r#"{"Fn::Last": "{{ ids }}"}"#, r#""i-3""#),
        (r#"{"Fn::Last": {"Fn::Split": ["cluster/", "acs:x:cluster/c9"]}}"#, r#""c9""#),
        (r#"{"Fn::ListJoin": ["a", "{{ ids }}"]}"#, r#"["a",["i-1","i-2","i-3"]]"#),
        (r#"{"Fn::Intersection": [["a","b","c"],["c","a"]]}"#, r#"["a","c"]"#),
        (r#"{"Fn::Union": [["a","b"],["b","c"]]}"#, r#"["a","b","c"]"#),
        (r#"{"Fn::Difference": [["a","b"],["b","c"]]}"#, r#"["a","c"]"#),
        (r#"{"Fn::MergeList": [[["a"],["b","c"]]]}"#, r#"[["a"],["b","c"]]"#),
        (r#"{"Fn::MergeList": "{{ nested }}"}"#, r#"["a","b","c"]"#),
        (r#"{"Fn::MergeList": ["{{ gaps }}"]}"#, r#"["t1","t2"]"#),
        (r#"{"Fn::MergeList": ["{{ nulls }}"]}"#, "[]"),
        (r#"{"Fn::CalculateBatch": [2, [1,2,3,4,5]]}"#, "3"),
        (r#"{"Fn::CalculateBatch": [5, ["i-1","i-2","i-3"]]}"#, "1"),
        (
            r#"{"Fn::Join": ["/", {"Fn::RangeSelect": [0, -1, {"Fn::Split": ["/", "src/app/Dockerfile"]}]}]}"#,
            r#""src/app""#,
        ),
        (r#"{"Fn::Sum": [1, null, 2]}"#, "3"),
    ]);
}

#[test]
fn worked_examples_of_maps() {
    check_table(&[
        (
            r#"{"Fn::MergeMapToList": [{"ServerId": ["i-1","i-2"]}, {"Weight": [0]}]}"#,
            r#"[{"ServerId":"i-1","Weight":0},{"ServerId":"i-2","Weight":0}]"#,
        ),
        (r#"{"Fn::MergeMap": [{"k":1,"x":2},{"k":3}]}"#, r#"{"k":3,"x":2}"#),
        (r#"{"Fn::MapJoin": [["a","b"],[1,2]]}"#, r#"{"a":1,"b":2}"#),
        (r#"{"Fn::ConvertMapToList": [{"env": "prod"}]}"#, r#"[{"Key":"env","Value":"prod"}]"#),
    ]);
}

#[test]
fn worked_examples_of_conditions() {
    check_table(&[
        (r#"{"Fn::Equals": [1, 1.0]}"#, "true"),
        (r#"{"Fn::Equals": ["1", 1]}"#, "false"),
        (r#"{"Fn::Equals": [[], []]}"#, "true"),
        (r#"{"Fn::Equals": [null, ""]}"#, "false"),
        (r#"{"Fn::Equals": [true, "true"]}"#, "false"),
        (r#"{"Fn::If": [{"Fn::Equals": ["linux","linux"]}, "sh", "{{ skipped.x }}"]}"#, r#""sh""#),
        (r#"{"Fn::Not": {"Fn::Equals": ["", "x"]}}"#, "true"),
        (r#"{"Fn::And": [true, {"Fn::Equals": [1,2]}]}"#, "false"),
        (r#"{"Fn::Or": [false, true]}"#, "true"),
        (r#"{"Fn::IsIpInCIDR": ["10.1.2.3","10.0.0.0/8"]}"#, "true"),
    ]);
}

#[test]
fn worked_examples_of_time_and_arithmetic() {
    check_table(&[
        (r#"{"Fn::AddHour": ["2024-03-01T23:30:00Z", -24]}"#, r#""2024-02-29T23:30:00Z""#),
        (r#"{"Fn::AddSecond": ["2024-03-01T23:59:30Z", 60]}"#, r#""2024-03-02T00:00:30Z""#),
        (
            concat!(
                r#"{"Fn::FormatUTCTime": [{"Fn::AddHour": ["{{ ACS::CurrentUTCTime }}", "#,
                r#"{"Fn::Eval": ["-7*24"]}]}, "%Y-%m-%dT00:00Z"]}"#
            ),
            r#""2024-02-23T00:00Z""#,
        ),
        (r#"{"Fn::Eval": ["-7*24"]}"#, "-168"),
        (r#"{"Fn::Eval": ["7/2"]}"#, "3.5"),
        (r#"{"Fn::Eval": ["7//2"]}"#, "3"),
        (r#"{"Fn::Eval": "-{{ days }}*24"}"#, "-168"),
        (r#"{"Fn::CalculateTimeByOpsWindow": ["08:00:00Z","08:00:00Z"]}"#, r#""2024-03-02T08:00:00Z""#),
        (r#"{"Fn::DurationBetween": ["08:00:00Z","18:30:00Z"]}"#, r#""PT10H30M""#),
        (r#"{"Fn::DurationBetween": ["18:00:00Z","08:00:00Z"]}"#, r#""PT14H""#),
    ]);
}

#[test]
fn worked_examples_of_jq() {
    check_table(&[
        (r#"{"Fn::Jq": ["First", "contains([\"system\"])", ["system","data"]]}"#, "true"),
        (r#"{"Fn::Jq": ["First", ".x", {}]}"#, "null"),
        (r#"{"Fn::Jq": ["All", ".[]", []]}"#, "[]"),
        (
            concat!(
                r#"{"Fn::Jq": ["All", ".[]|select(.a>1)|.b", "#,
                r#"[{"a":1,"b":"x"},{"a":2,"b":"y"},{"a":3,"b":"z"}]]}"#
            ),
            r#"["y","z"]"#,
        ),
        (
            concat!(
                r#"{"Fn::Jq": ["First", ".t|ascii_downcase|split(\"::\")|\"arn:\"+.[1]", "#,
                r#""{\"t\":\"ALIYUN::ECS::DISK\"}"]}"#
            ),
            r#""arn:ecs""#,
        ),
        (
            r#"{"Fn::Jq": ["First", ". as $l | [range(0;length;2)] | map(. as $i | $l[$i:$i+2])", [1,2,3,4,5]]}"#,
            "[[1,2],[3,4],[5]]",
        ),
    ]);
}

#[test]
fn select_knows_defaults_slices_and_json_text() {
    check_table(&[
        (r#"{"Fn::Select": [7, "{{ ids }}", "none"]}"#, r#""none""#),
        (r#"{"Fn::Select": ["k", "{{ skipped.x }}"]}"#, r#""""#),
        (r#"{"Fn::Select": ["k", "{{ skipped.x }}", 5]}"#, "5"),
        (r#"{"Fn::Select": ["a", "{\"a\": [1]}"]}"#, "[1]"),
        (r#"{"Fn::Select": ["k", {"Fn::Select": [9, "{{ ids }}"]}]}"#, r#""""#),
        (r#"{"Fn::Select": ["0:2", "{{ ids }}"]}"#, r#"["i-1","i-2"]"#),
        (r#"{"Fn::Select": ["::-1", "{{ ids }}"]}"#, r#"["i-3","i-2","i-1"]"#),
        (r#"{"Fn::Select": ["1:", "{{ ids }}"]}"#, r#"["i-2","i-3"]"#),
        (r#"{"Fn::Select": ["-9:99:2", "{{ ids }}"]}"#, r#"["i-1","i-3"]"#),
        (r#"{"Fn::Select": [-4, "{{ ids }}"]}"#, r#""""#),
    ]);
    assert_eq!(message(r#"{"Fn::Select": ["x", "{{ ids }}"]}"#), "`Fn::Select`: needs a number, not other text");
}

#[test]
fn functions_accept_json_text_numeric_text_and_null() {
    check_table(&[
        (r#"{"Fn::Join": ["-", "[\"a\",\"b\"]"]}"#, r#""a-b""#),
        (r#"{"Fn::Join": ["-", "one"]}"#, r#""one""#),
        (r#"{"Fn::Join": ["-", "{{ skipped.x }}"]}"#, r#""""#),
        (r#"{"Fn::MergeMap": ["{\"a\":1}", null, {"b":2}]}"#, r#"{"a":1,"b":2}"#),
        (r#"{"Fn::AddHour": ["2024-03-01T23:30:00Z", "1"]}"#, r#""2024-03-02T00:30:00Z""#),
        (r#"{"Fn::CalculateBatch": ["2", "{{ skipped.x }}"]}"#, "1"),
        (r#"{"Fn::First": []}"#, "null"),
        (r#"{"Fn::Last": "{{ skipped.x }}"}"#, "null"),
        (r#"{"Fn::Base64Decode": "{{ skipped.x }}"}"#, "null"),
        (r#"{"Fn::Base64Decode": "/w=="}"#, "\"\u{fffd}\""),
        (r#"{"Fn::ContainsSubString": [null, "a"]}"#, "false"),
        (r#"{"Fn::Min": ["b", "a"]}"#, r#""a""#),
        (r#"{"Fn::Sum": []}"#, "0"),
        (r#"{"Fn::Split": [",", ",a,,"]}"#, r#"["","a","",""]"#),
        (r#"{"Fn::RangeSelect": ["0", "1", "{{ skipped.x }}"]}"#, "[]"),
        (
            r#"{"Fn::MergeMapToList": [{"a": "x"}, {"b": [1,2]}, {"c": "{{ skipped.x }}"}]}"#,
            r#"[{"a":"x","b":1,"c":null},{"a":"x","b":2,"c":null}]"#,
        ),
        (r#"{"Fn::Union": [[1,1.0,"1"],"{{ skipped.x }}"]}"#, r#"[1,"1"]"#),
        (r#"{"Fn::Sub": "a ${!b} ${c"}"#, r#""a ${b} ${c""#),
        (r#"{"Fn::Sub": ["{{ days }} ${x} ${x}${y}", {"x": "${y}", "y": null}]}"#, r#""7 ${y} ${y}""#),
        (r#"{"Fn::Escape": [{"Fn::Escape": ["\"", "powershell"]}, "powershell"]}"#, r#""\\\\\"""#),
        (r#"{"Fn::IsIpInCIDR": ["2001:db8::1","2001:db8::/32"]}"#, "true"),
        (r#"{"Fn::IsIpInCIDR": ["11.0.0.1","10.0.0.0/8"]}"#, "false"),
        (r#"{"Fn::IsIpInCIDR": ["11.0.0.1","0.0.0.0/0"]}"#, "true"),
        (r#"{"Fn::IsIpInCIDR": ["2001::1","::/0"]}"#, "true"),
        (r#"{"Fn::IsIpInCIDR": ["::1","10.0.0.0/8"]}"#, "false"),
        (r#"{"Fn::DurationBetween": ["2024-03-02T00:00:00Z","2024-03-01T23:59:30Z"]}"#, r#""PT30S""#),
        (r#"{"Fn::CalculateTimeByOpsWindow": ["23:00:00Z","01:00:00Z"]}"#, r#""2024-03-01T23:30:00Z""#),
        (r#"{"Fn::CalculateTimeByOpsWindow": ["01:00:00Z","02:00:00Z"]}"#, r#""2024-03-02T01:00:00Z""#),
        (r#"{"Fn::CalculateTimeByOpsWindow": ["23:30:00Z","23:30:00Z"]}"#, r#""2024-03-01T23:30:00Z""#),
    ]);
}

#[test]
fn wrong_arguments_are_function_errors_that_name_the_path() {
    let cases = [
        (r#"{"Fn::Base64Decode": "{{ ACS::RegionId }}!"}"#, "`Fn::Base64Decode`: the text is not Base64"),
        (r#"{"Fn::Split": ["", "a"]}"#, "`Fn::Split`: the delimiter is empty"),
        (r#"{"Fn::Min": []}"#, "`Fn::Min`: the list is empty"),
        (r#"{"Fn::Max": [1, "a"]}"#, "`Fn::Max`: needs a list of numbers only or of text only"),
        (r#"{"Fn::MapJoin": [["a"], []]}"#, "`Fn::MapJoin`: 1 keys do not fit 0 values"),
        (
            r#"{"Fn::IsIpInCIDR": ["10.0.0.1", "10.0.0.0/33"]}"#,
            "`Fn::IsIpInCIDR`: the second argument is not a network such as `10.0.0.0/8`",
        ),
        (r#"{"Fn::Escape": ["x", "bash"]}"#, "`Fn::Escape`: the only dialect is `powershell`"),
        (r#"{"Fn::AddHour": ["soon", 1]}"#, "`Fn::AddHour`: `soon` is not a time such as 2024-03-01T23:30:00Z"),
        (r#"{"Fn::AddHour": ["2024-03-01T00:00:00Z", 1e300]}"#, "`Fn::AddHour`: the result is no representable time"),
        (r#"{"Fn::CalculateBatch": [0, []]}"#, "`Fn::CalculateBatch`: the number of batches must be at least 1"),
        (r#"{"Fn::Equals": "{{ ids }}"}"#, "`Fn::Equals`: takes 2 arguments, not 3"),
        (r#"{"Fn::Join": [",", {"Fn::Eval": "1/0"}]}"#, "`Fn::Join` > `Fn::Eval`: division by zero"),
        (r#"{"Fn::If": ["{{ days }}", 1, 2]}"#, "`Fn::If`: a value of type Number is neither true nor false"),
        (
            r#"{"Fn::FindMatchedPackage": [1, 2]}"#,
            "`Fn::FindMatchedPackage`: the host has not registered this function",
        ),
        (r#"{"Fn::Replace": [{"": "x"}, "a"]}"#, "`Fn::Replace`: the text to be replaced is empty"),
        (r#"{"Fn::Eval": "1 + 你"}"#, "`Fn::Eval`: the expression is no arithmetic at character 5"),
        (r#"{"Fn::Eval": "\u3000\u3000x"}"#, "`Fn::Eval`: the expression is no arithmetic at character 3"),
        (
            r#"{"Fn::Jq": ["First", ".", "{\"a\":\"{{ text }}\"\"}"]}"#,
            "`Fn::Jq`: argument 3 starts like JSON but is no valid JSON",
        ),
    ];
    for (call, expected) in cases {
        assert_eq!(message(call), expected, "{call}");
    }
}

#[test]
fn lazy_functions_evaluate_only_what_decides() {
    let world = world();
    for part in [r#"{"Fn::Eval": "1/0"}"#, r#""{{ oos:later }}""#] {
        for (call, expected) in [
            (format!(r#"{{"Fn::If": [false, {part}, "else"]}}"#), Value::from("else")),
            (format!(r#"{{"Fn::If": ["TRUE", "then", {part}]}}"#), Value::from("then")),
            (format!(r#"{{"Fn::And": [true, false, {part}]}}"#), Value::Bool(false)),
            (format!(r#"{{"Fn::Or": [false, "{{{{ yes }}}}", {part}]}}"#), Value::Bool(true)),
        ] {
            assert_eq!(world.evaluate(&json(&call)), Ok(expected), "{call}");
        }
    }
}

#[test]
fn whole_references_keep_the_type_and_embedded_ones_become_text() {
    let world = World::new()
        .parameter("s", Value::from("a\"b"))
        .parameter("i", Value::Int(-3))
        .parameter("whole", Value::Float(1.0))
        .parameter("half", Value::Float(1.5))
        .parameter("b", Value::Bool(true))
        .parameter("n", Value::Null)
        .parameter("l", json(r#"["a","你"]"#))
        .parameter("m", json(r#"{"k":1,"z":{"a":null}}"#));
    for (text, whole, embedded) in [
        ("{{s}}", r#""a\"b""#, "a\"b"),
        ("{{ i }}", "-3", "-3"),
        (" {{whole }}\n", "1", "1"),
        ("{{ half }} ", "1.5", "1.5"),
        ("{{ b}}", "true", "true"),
        ("{{n}}", "null", ""),
        ("{{ l }}", r#"["a","你"]"#, r#"["a","你"]"#),
        ("{{ m }}", r#"{"k":1,"z":{"a":null}}"#, r#"{"k":1,"z":{"a":null}}"#),
    ] {
        let value = world.evaluate(&Value::from(text)).unwrap();
        assert_eq!(value.to_string(), whole, "{text}");
        let value = world.evaluate(&Value::from(format!("<{}>", text.trim()))).unwrap();
        assert_eq!(value, Value::from(format!("<{embedded}>")), "{text}");
    }
    assert_eq!(world.evaluate(&Value::from("{{ i }}{{ i }}")), Ok(Value::from("-3-3")));
}

#[test]
fn values_are_not_scanned_again() {
    let world = World::new().parameter("a", Value::from("{{ b }}")).parameter("b", Value::from("secret"));
    assert_eq!(world.evaluate(&Value::from("x {{ a }}")), Ok(Value::from("x {{ b }}")));
    assert_eq!(world.evaluate(&Value::from("{{ a }}")), Ok(Value::from("{{ b }}")));
    let value = world.evaluate(&json(r#"{"Fn::Replace": [{"{{ a }}": "{{ b }}"}, "-{{ a }}-"]}"#));
    assert_eq!(value, Ok(Value::from("-secret-")));
}

#[test]
fn only_the_keys_of_replace_are_evaluated() {
    let world = World::new().parameter("a", Value::from("x")).parameter("i", Value::Int(1));
    assert_eq!(world.evaluate(&json(r#"{"{{ a }}": "{{ a }}"}"#)), Ok(json(r#"{"{{ a }}":"x"}"#)));
    let call = r#"{"Fn::Replace": [{"<{{ a }}>": "{{ i }}", "1": "one"}, "<x> 1"]}"#;
    assert_eq!(world.evaluate(&json(call)), Ok(Value::from("one one")));
    // A list of pairs is how such keys are compiled, not something to write.
    assert_eq!(
        found(r#"{"Fn::Replace": [[["a", "{{ ids }}"]], "a"]}"#),
        ["function-shape: argument 1 of `Fn::Replace` must be a map"]
    );
}

#[test]
fn what_the_store_must_give_is_gathered() {
    let world = World::new();
    let tree = json(r#"{"a": "{{ oos:one }}", "b": ["{{oos:two}} {{ oos:dir/three:2 }}", "{{ oos:one }}"]}"#);
    let Err(Stop::Need(needed)) = world.evaluate(&tree) else { panic!("must need the store") };
    assert_eq!(needed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["oos:one", "oos:two", "oos:dir/three:2"]);
    let world = world
        .stored("oos:one", json(r#"["x"]"#))
        .stored("oos:two", Value::from("2"))
        .stored("oos:dir/three:2", Value::from("3"));
    assert_eq!(world.evaluate(&tree), Ok(json(r#"{"a": ["x"], "b": ["2 3", ["x"]]}"#)));
}

#[test]
fn secrets_stay_references() {
    let world = World::new();
    assert_eq!(world.evaluate(&Value::from("{{ oos-secret:Pw }}")), Ok(Value::from("{{oos-secret:Pw}}")));
    assert_eq!(world.evaluate(&Value::from("-p {{oos-secret:a/b:2}}")), Ok(Value::from("-p {{oos-secret:a/b:2}}")));
}

#[test]
fn system_variables_have_their_values() {
    let world = World::new().in_loop(json(r#"{"id": "i-1", "tags": [1, 2]}"#));
    for (text, expected) in [
        ("{{ ACS::CurrentUTCTime }}", r#""2024-03-01T23:30:00Z""#),
        ("{{ Acs::CurrentDate }}", r#""2024-03-01""#),
        ("{{ ACS::RegionId }}", r#""cn-x""#),
        ("{{ ACS::TaskLoopItem }}", r#"{"id":"i-1","tags":[1,2]}"#),
        ("{{ ACS::Custom }}", r#""made to measure""#),
    ] {
        assert_eq!(world.evaluate(&Value::from(text)).unwrap().to_string(), expected, "{text}");
    }
    let Err(Stop::Error(error)) = world.evaluate(&Value::from("{{ ACS::AccountId }}")) else { panic!("not given") };
    assert_eq!(error.code, "UndefinedReference");
}

#[test]
fn paths_read_items_and_raw_results() {
    let world = World::new()
        .in_loop(json(r#"{"id": "i-1"}"#))
        .task("describe", &[("id", Value::from("declared"))])
        .raw(json(r#"{"Regions": {"Region": [{"LocalName": "a"}, {"LocalName": "b"}]}}"#))
        .task("never", &[]);
    for (text, expected) in [
        ("{{ ACS::TaskLoopItem.id }}", r#""i-1""#),
        ("{{ describe.id }}", r#""declared""#),
        ("{{ describe.Regions.Region[]?.LocalName }}", r#"["a","b"]"#),
        ("{{ describe.Regions.Region[1].LocalName }}", r#""b""#),
        ("{{ never.Regions.Region[].LocalName }}", "null"),
    ] {
        assert_eq!(world.evaluate(&Value::from(text)).unwrap().to_string(), expected, "{text}");
    }
    assert!(is_direct_reference("a.b") && is_direct_reference("a[]") && is_direct_reference("a?"));
    assert!(!is_direct_reference("RequestId"));
}

#[test]
fn conditions_are_named_or_evaluated() {
    let world = world().condition("wantReboot", Value::Bool(true)).condition("never", Value::Bool(false));
    for (node, expected) in [
        (r#""wantReboot""#, true),
        (r#""WANTREBOOT""#, true),
        (r#"{"Condition": "never"}"#, false),
        (r#"{"Fn::And": ["wantReboot", {"Condition": "never"}]}"#, false),
        (r#"{"Fn::Or": ["never", "{{ yes }}"]}"#, true),
        (r#"{"Fn::Not": "never"}"#, true),
        (r#"{"Fn::Not": ["never"]}"#, true),
        (r#"{"Fn::Not": [true]}"#, false),
        (r#"{"Fn::If": ["never", false, true]}"#, true),
        (r#""{{ yes }}""#, true),
        ("true", true),
        (r#""False""#, false),
    ] {
        let value = world.condition_value(&json(node)).unwrap_or_else(|e| panic!("{node}: {e:?}"));
        assert_eq!(truth(&value), Ok(expected), "{node}");
    }
    // Elsewhere the same text is a value.
    assert_eq!(world.evaluate(&Value::from("wantReboot")), Ok(Value::from("wantReboot")));
    assert_eq!(world.evaluate(&json(r#"{"Fn::Equals": ["never", "never"]}"#)), Ok(Value::Bool(true)));
}

#[test]
fn what_is_no_condition_is_found() {
    let world = world().condition("wantReboot", Value::Bool(true));
    for (node, expected) in [
        (r#""wantRebot""#, "invalid-when: `wantRebot` is neither a reference nor the name of a condition"),
        ("1", "invalid-when: a value of type Number is no condition"),
        ("[]", "invalid-when: a value of type List is no condition"),
        ("null", "invalid-when: a value of type Null is no condition"),
        (r#""""#, "invalid-when: `` is neither a reference nor the name of a condition"),
        (r#"{"a": 1}"#, "invalid-when: a value of type Json is no condition"),
        (r#"{"Condition": "x"}"#, "invalid-condition: `x` is neither a reference nor the name of a condition"),
        (r#"{"Fn::And": [true, "x"]}"#, "invalid-condition: `x` is neither a reference nor the name of a condition"),
        (r#"{"Fn::Not": 1}"#, "function-shape: a value of type Number is no condition"),
    ] {
        assert_eq!(findings(&world.condition_diagnostics(&json(node))), [expected], "{node}");
    }
    let diagnostics = world.condition_diagnostics(&json(r#""wantRebot""#));
    let help = diagnostics.iter().next().and_then(|d| d.help.as_deref());
    assert_eq!(help, Some("a condition named `wantReboot` exists"));
}

#[test]
fn names_that_mean_nothing_are_found_with_help() {
    let world = world().task("later", &[("out", Value::Null)]).current(1);
    for (text, expected, help) in [
        ("{{ idz }}", "undefined-parameter: parameter `idz` is not declared", Some("a parameter named `ids` exists")),
        (
            "{{ list }}",
            "undefined-parameter: parameter `list` is not declared",
            Some("`list` is a task; name one of its outputs as `list.output`"),
        ),
        ("{{ lsit.ids }}", "undefined-task: task `lsit` does not exist", Some("a task named `list` exists")),
        (
            "{{ nested.x }}",
            "undefined-task: task `nested` does not exist",
            Some("`nested` is a parameter; read into it with `Fn::Select` or `Fn::Jq`"),
        ),
        ("{{ list.idz }}", "undefined-output: task `list` has no output `idz`", Some("an output named `ids` exists")),
        (
            "{{ ACS::RegionID2 }}",
            "undefined-variable: system variable `ACS::RegionID2` does not exist",
            Some("a system variable named `ACS::RegionId` exists"),
        ),
        ("{{ ACS::TaskLoopItem }}", "loop-item-outside-loop: `ACS::TaskLoopItem` is read where no loop runs", None),
        ("{{ skipped.x }}", "undefined-output: task `skipped` reads its own output `x`", None),
        (
            "{{ later.out }}",
            "reference-later: task `later` comes later, so `out` is null unless a jump back ran it",
            None,
        ),
        ("{{ .Name }}", "literal-braces: `{{ .Name }}` is no reference and stays as text", None),
        ("{{ IDS }}", "reference-case: parameter `IDS` matches only when case is ignored", Some("it is spelled `ids`")),
        (
            "{{ acs::regionid }}",
            "reference-case: system variable `acs::regionid` matches only when case is ignored",
            Some("it is spelled `ACS::RegionId`"),
        ),
    ] {
        let found = world.compile(&Value::from(text)).1;
        assert_eq!(findings(&found), [expected], "{text}");
        assert_eq!(found.iter().next().and_then(|d| d.help.as_deref()), help, "{text}");
    }
    assert_eq!(codes(&world.compile(&Value::from("{{ LIST.IDS }}")).1), ["reference-case", "reference-case"]);
}

#[test]
fn functions_of_a_wrong_shape_are_found() {
    for (node, expected) in [
        (r#"{"Fn::Join": [","]}"#, "function-shape: `Fn::Join` takes 2 arguments, not 1"),
        (r#"{"Fn::Join": ","}"#, "function-shape: `Fn::Join` takes a list of 2 arguments"),
        (r#"{"Fn::Select": [1]}"#, "function-shape: `Fn::Select` takes 2 to 3 arguments, not 1"),
        (r#"{"Fn::And": [true]}"#, "function-shape: `Fn::And` takes at least 2 arguments, not 1"),
        (r#"{"Fn::If": [true, "{{ ids }}"]}"#, "function-shape: `Fn::If` takes 3 arguments, not 2"),
        (r#"{"Fn::Not": [true, false]}"#, "function-shape: `Fn::Not` takes 1 argument, not 2"),
        (r#"{"Fn::Sub": ["a", {}, 1]}"#, "function-shape: `Fn::Sub` takes 1 to 2 arguments, not 3"),
        (
            r#"{"Fn::Jq": ["Some", ".", "{{ ids }}"]}"#,
            "function-shape: argument 1 of `Fn::Jq` must be `First` or `All`",
        ),
        (
            r#"{"Fn::RangeSelect": ["x", 1, "{{ ids }}"]}"#,
            "function-shape: argument 1 of `Fn::RangeSelect` must be a number",
        ),
        (r#"{"Fn::Union": [["a"], "b"]}"#, "function-shape: argument 2 of `Fn::Union` must be a list"),
        (r#"{"Fn::MergeMap": [["{{ ids }}"]]}"#, "function-shape: argument 1 of `Fn::MergeMap` must be a map"),
        (r#"{"Fn::First": 5}"#, "function-shape: the argument of `Fn::First` must be a list"),
        (r#"{"Fn::Join": [",", "{{ ids }}"], "x": 1}"#, "function-shape: `Fn::Join` has another key `x` beside it"),
        (r#"{"Fn::Joins": [",", "{{ ids }}"]}"#, "unknown-function: function `Fn::Joins` is not known"),
        (r#"{"fn": {"Fn::join": [",", []]}}"#, "unknown-function: function `Fn::join` is not known"),
    ] {
        assert_eq!(found(node), [expected], "{node}");
    }
    let found = world().compile(&json(r#"{"a/b": [{"Fn::Joinn": "{{ idz }}"}]}"#)).1;
    assert_eq!(found.iter().map(|d| d.pointer.as_str()).collect::<Vec<_>>(), ["/x/a~1b/0", "/x/a~1b/0/Fn::Joinn"]);
    assert_eq!(found.iter().next().and_then(|d| d.help.as_deref()), Some("a function named `Fn::Join` exists"));
}

#[test]
fn a_jq_program_that_does_not_compile_is_found() {
    let codes = |node: &str| codes(&world().compile(&json(node)).1);
    assert_eq!(codes(r#"{"Fn::Jq": ["First", ".[", "{{ ids }}"]}"#), ["invalid-selector"]);
    assert!(codes(r#"{"Fn::Jq": ["First", ".[{{ days }}", "{{ ids }}"]}"#).is_empty());
    let many_lines = found(r#"{"Fn::Jq": ["First", ".a |\n  .b |", "{{ ids }}"]}"#);
    assert_eq!(many_lines, ["invalid-selector: selector `.a | .b |` does not compile: expected a term, found the end"]);
}

#[test]
fn calls_that_might_work_are_not_found() {
    for node in [
        r#"{"Fn::Join": "{{ ids }}"}"#,
        r#"{"Fn::Join": "[\",\", []]"}"#,
        r#"{"Fn::Select": ["k", "{\"k\": 1}"]}"#,
        r#"{"Fn::Not": ["{{ yes }}"]}"#,
        r#"{"Fn::Replace": [{"Fn::MergeMap": [{"a": "b"}]}, "a"]}"#,
        r#"{"Fn::AddHour": ["{{ text }}", {"Fn::Eval": "1"}]}"#,
        r#"{"Fn::FindMatchedPackage": ["{{ info }}", "{}"]}"#,
        r#"{"Fn::Equals": [null, null]}"#,
        r#"{"Fn::ListJoin": []}"#,
    ] {
        assert_eq!(found(node), [""; 0], "{node}");
    }
}

#[test]
fn functions_and_values_nest_within_limits() {
    let function = |inner| Value::from([("Fn::Base64Encode", inner)].into_iter().collect::<Map>());
    let nest = |n| (0..n).fold(Value::from("x"), |inner, _| function(inner));
    assert!(world().compile(&nest(32)).1.is_empty());
    assert_eq!(codes(&world().compile(&nest(33)).1), ["limit-depth"]);
    let lists = |n| (0..n).fold(Value::from("{{ ids }}"), |inner, _| Value::from([inner]));
    assert!(world().evaluate(&lists(250)).is_ok());
    assert_eq!(codes(&world().compile(&lists(1_000)).1), ["limit-depth"]);
}

#[test]
fn references_are_underlined_inside_their_scalar() {
    let text = "key: 'a {{ idz }} {{ids}} {{ idz }}'";
    let source = SourceText::new("t.yml", text);
    let value = "a {{ idz }} {{ids}} {{ idz }}";
    let node = Node { span: Some(Span::new(5, text.len())), kind: NodeKind::Scalar(Value::from(value)) };
    let found = world().compile_node(&node, Some(&source)).1;
    let places: Vec<_> = found.iter().filter_map(|d| d.primary.span).collect();
    assert_eq!(places, [Span::new(11, 14), Span::new(29, 32)]);
    assert!(places.iter().all(|p| source.slice(*p) == "idz"));

    let text = "'{{ .Name }} {{ IDS }}'";
    let source = SourceText::new("t.yml", text);
    let node =
        Node { span: Some(Span::new(0, text.len())), kind: NodeKind::Scalar(Value::from("{{ .Name }} {{ IDS }}")) };
    let found = world().compile_node(&node, Some(&source)).1;
    let places: Vec<_> = found.iter().filter_map(|d| d.primary.span).map(|p| source.slice(p)).collect();
    assert_eq!(places, ["{{ .Name }}", "IDS"]);

    let folded = SourceText::new("t.yml", "'{{ \n\n idz }}'");
    let span = Span::new(0, folded.text.len());
    let node = Node { span: Some(span), kind: NodeKind::Scalar(Value::from("{{ \n idz }}")) };
    let found = world().compile_node(&node, Some(&folded)).1;
    assert_eq!(found.iter().next().and_then(|d| d.primary.span), Some(span));
}

#[test]
fn constant_subtrees_fold_and_names_resolve_to_indices() {
    let (expr, _) = world().compile(&json(r#"{"a": [1, {"b": "x"}], "c": null}"#));
    assert!(matches!(expr.kind, ExprKind::Literal(_)));
    let (expr, _) = world().compile(&json(r#"{"a": [1, {"b": "x"}], "c": "{{ info }}{{ list.ids }}"}"#));
    assert!(expr.member("a").is_some_and(|a| a.as_literal().is_some()));
    let mut seen = Vec::new();
    expr.references(&mut |r| seen.push((r.text.to_string(), format!("{:?}", r.target))));
    let expected = [("info", "Parameter(1)"), ("list.ids", "Output { task: 0, output: 1 }")];
    assert_eq!(seen, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    let (expr, _) = world().in_loop(Value::Null).compile(&json(r#"{"Fn::Join": ["", ["{{ ACS::TaskLoopItem }}"]]}"#));
    assert!(expr.reads_loop_item());
    let (expr, _) = world().compile(&Value::from("a{{ days }}"));
    let ExprKind::Text(segments) = expr.kind else { panic!("embedded") };
    let [Segment::Literal(_), Segment::Reference(reference)] = &segments[..] else { panic!("text, reference") };
    assert!(matches!(reference.target, Target::Parameter(6)));
}

#[test]
fn null_members_are_dropped_and_null_elements_kept() {
    let value = json(r#"{"a": null, "b": [null, {"c": null, "d": {"e": null}}], "f": ""}"#);
    assert_eq!(drop_nulls(value).to_string(), r#"{"b":[null,{"d":{}}],"f":""}"#);
    assert_eq!(drop_nulls(Value::Null), Value::Null);
    assert_eq!(drop_nulls(json("[[1],[null],{}]")).to_string(), "[[1],[null],{}]");
}

#[test]
fn values_stay_within_bounds() {
    let mut world = world();
    world.limits.value_bytes = 10_000;
    let call = |name: &str, argument| Value::from([(name, argument)].into_iter().collect::<Map>());
    let tenfold = json(r#"{"a": "aaaaaaaaaa"}"#);
    let bomb =
        (0..20).fold(Value::from("aaaaaaaaaa"), |inner, _| call("Fn::Replace", Value::from([tenfold.clone(), inner])));
    let ids = Value::from("{{ ids }}{{ ids }}{{ ids }}{{ ids }}{{ ids }}");
    let shared = (0..4).fold(ids, |inner, _| Value::from(vec![inner; 8]));
    // Each pair reads the text once more.
    let pairs: Map = (0..200).map(|i| (std::sync::Arc::from(format!("x{i}")), Value::from("y"))).collect();
    let readings = call("Fn::Replace", Value::from(vec![Value::from(pairs), Value::from("a".repeat(1_000))]));
    for value in [bomb, shared, readings] {
        let Err(Stop::Error(error)) = world.evaluate(&value) else { panic!("must be too big") };
        assert_eq!(error.code, "LimitExceeded.ValueSize");
    }
}

#[test]
fn hosts_register_functions() {
    fn shout(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
        Ok(Value::from(argument.to_text().to_uppercase()))
    }
    let function = Function { name: "Fn::Shout".into(), arity: None, kind: Kind::Strict(shout), aggregates: false };
    let mut world = world();
    world.functions = Functions::default().with(function);
    assert_eq!(world.evaluate(&json(r#"{"Fn::Shout": "hi {{ days }}"}"#)), Ok(Value::from("HI 7")));
    assert!(Functions::default().get("Fn::Shout").is_none());
}

#[test]
fn aggregating_functions_take_the_items_of_a_loop() {
    let functions = Functions::default();
    let world = World::new();
    let scope = TestScope(&world);
    let aggregate = |name: &str, list: &str| {
        let list = json(list);
        let function = functions.get(name).unwrap();
        function.aggregate(list.as_list().unwrap(), &scope.context()).map(|v| v.to_string())
    };
    for (name, list, expected) in [
        ("Fn::ListJoin", r#"["i-1",null,["d"]]"#, r#"["i-1",null,["d"]]"#),
        ("Fn::ListJoin", "[]", "[]"),
        ("Fn::Sum", "[1,null,2]", "3"),
        ("Fn::Sum", "[]", "0"),
        ("Fn::Min", "[3,null,2]", "2"),
        ("Fn::Max", "[]", "null"),
        ("Fn::Max", "[null]", "null"),
        ("Fn::First", r#"["a","b"]"#, r#""a""#),
        ("Fn::Last", "[]", "null"),
        ("Fn::MergeList", r#"[["a"],null,["b"]]"#, r#"["a","b"]"#),
        ("Fn::MergeMap", r#"[{"a":1},null,{"b":2}]"#, r#"{"a":1,"b":2}"#),
        ("Fn::Union", r#"[["a"],null,["b","a"]]"#, r#"["a","b"]"#),
        ("Fn::Intersection", r#"[["a","b"],null,["b"]]"#, r#"["b"]"#),
        ("Fn::And", "[true,null,true]", "true"),
        ("Fn::Or", "[]", "false"),
    ] {
        assert_eq!(aggregate(name, list).as_deref(), Ok(expected), "{name} {list}");
    }
    assert_eq!(aggregate("Fn::Join", "[]").unwrap_err().code, "UnsupportedFunction");
    let all = functions.names().filter(|n| functions.get(n).is_some_and(|f| f.aggregates));
    assert_eq!(all.count(), 12);
    assert_eq!(functions.names().count(), 39);
}

#[test]
fn errors_carry_the_place_of_the_call() {
    let key = |text: &str, at| Key { span: Some(Span::new(at, at + 1)), text: text.into() };
    let text = |text: &str, at| Node { span: Some(Span::new(at, at + 1)), kind: NodeKind::Scalar(Value::from(text)) };
    let call = Node { span: Some(Span::new(1, 9)), kind: NodeKind::Map(vec![(key("Fn::Eval", 2), text("1/0", 5))]) };
    let (expr, found) = world().compile_node(&call, None);
    assert!(found.is_empty());
    let Err(Stop::Error(error)) = evaluate(&expr, &TestScope(&world())) else { panic!("division by zero") };
    assert_eq!(error.span, Some(Span::new(2, 3)));
}

/// The expressions of the worked execution of template-language, Appendix A.
#[test]
fn the_worked_execution_evaluates_as_printed() {
    let world = World::new()
        .parameter("regionId", Value::from("cn-x"))
        .parameter("names", json(r#"["a","b","c"]"#))
        .parameter("note", Value::from("run exec-00112233445566aa"))
        .parameter("reboot", Value::Bool(false))
        .task("list", &[("ids", json(r#"["i-1",null,null]"#)), ("disks", json(r#"[["d1","d2"],null,[]]"#))])
        .task("any", &[])
        .task("boot", &[("done", Value::Null)])
        .condition("wantReboot", Value::Bool(false))
        .in_loop(Value::from("a"));
    let request = r#"{"RegionId": "{{ RegionID }}", "InstanceName": "{{ ACS::TaskLoopItem }}", "Tags": null}"#;
    let request = world.evaluate(&json(request)).map(drop_nulls);
    assert_eq!(request.map(|r| r.to_string()), Ok(r#"{"RegionId":"cn-x","InstanceName":"a"}"#.to_owned()));
    for (node, expected) in [
        (r#""{{ ACS::RegionId }}""#, r#""cn-x""#),
        (r#""run {{ ACS::ExecutionId }}""#, r#""run exec-00112233445566aa""#),
        (r#"{"Fn::Equals": ["{{ reboot }}", true]}"#, "false"),
        (r#""{{ names }}""#, r#"["a","b","c"]"#),
        (r#"{"Fn::Equals": [[], {"Fn::MergeList": "{{ list.ids }}"}]}"#, "false"),
        (r#"{"Fn::MergeList": "{{ list.ids }}"}"#, r#"["i-1"]"#),
        (r#""{{ list.ids }}""#, r#"["i-1",null,null]"#),
        (
            r#""ids={{ list.IDS }} done={{ boot.done }} {{ note }}""#,
            r#""ids=[\"i-1\",null,null] done= run exec-00112233445566aa""#,
        ),
    ] {
        assert_eq!(world.evaluate(&json(node)).unwrap().to_string(), expected, "{node}");
    }
    assert_eq!(world.condition_value(&Value::from("wantReboot")), Ok(Value::Bool(false)));
}
