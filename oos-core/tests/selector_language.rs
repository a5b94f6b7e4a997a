//! The selector language by example (template-language 4.3 and 7).

#![expect(clippy::unwrap_used, reason = "tests")]

use oos_core::{
    Limits, Value,
    selector::{Selector, SelectorCache, SelectorError, wrap},
    template::ValueType,
};

fn json(text: &str) -> Value {
    Value::from_json_str(text).unwrap()
}

/// The results of a selector as JSON texts, or the message of the error.
fn select(text: &str, input: &str) -> Result<Vec<String>, String> {
    let selector = Selector::parse(text).map_err(|e| e.to_string())?;
    let results = selector.run(&json(input), &Limits::default()).map_err(|e| e.to_string())?;
    Ok(results.iter().map(ToString::to_string).collect())
}

fn program(text: &str, input: &str) -> Result<Vec<String>, String> {
    let selector = Selector::parse_program(text).map_err(|e| e.to_string())?;
    let results = selector.run(&json(input), &Limits::default()).map_err(|e| e.to_string())?;
    Ok(results.iter().map(ToString::to_string).collect())
}

#[track_caller]
fn assert_selects(text: &str, input: &str, expected: &[&str]) {
    assert_eq!(select(text, input), Ok(expected.iter().map(ToString::to_string).collect()), "{text} on {input}");
}

const INSTANCES: &str = r#"{"Instances":{"Instance":[
    {"InstanceId":"i-1","OSType":"linux","Cpu":2,"Tags":{"Tag":[{"TagKey":"k","TagValue":"v"}]}},
    {"InstanceId":"i-2","OSType":"windows","Cpu":4}]},"TotalCount":2}"#;

#[test]
fn a_bare_path_gets_its_dot() {
    assert_selects("Instances.Instance[].InstanceId", INSTANCES, &[r#""i-1""#, r#""i-2""#]);
    assert_selects(".Instances.Instance[].InstanceId", INSTANCES, &[r#""i-1""#, r#""i-2""#]);
    assert_selects("TotalCount", INSTANCES, &["2"]);
    assert_selects("Instances.Instance[0].Tags", INSTANCES, &[r#"{"Tag":[{"TagKey":"k","TagValue":"v"}]}"#]);
    assert_selects(" . ", "1", &["1"]);
}

#[test]
fn a_program_gets_no_dot() {
    assert_eq!(program("length", "[1,2]"), Ok(vec!["2".into()]));
    assert_eq!(program("TotalCount", INSTANCES).map_err(|e| e.contains("`TotalCount/0` is not defined")), Err(true));
}

#[test]
fn a_dollar_starts_jsonpath() {
    assert_selects("$.Instances.Instance[?@.Cpu > 2].InstanceId", INSTANCES, &[r#""i-2""#]);
    assert_selects("$..TagKey", INSTANCES, &[r#""k""#]);
    assert_selects("$.missing", INSTANCES, &[]);
}

/// A block scalar ends in a line end; the query of the RFC does not.
#[test]
fn blanks_around_jsonpath_are_cut_from_selectors_only() {
    assert_selects(" $.a\n", r#"{"a":1}"#, &["1"]);
    assert!(Selector::parse_json_path("$.a").is_ok());
    assert!(Selector::parse_json_path(" $.a").is_err() && Selector::parse_json_path("$.a\n").is_err());
    assert!(Selector::parse_json_path(".a").is_err());
}

#[test]
fn paths_have_the_meaning_of_jq() {
    assert_selects("a.b.c", "{}", &["null"]);
    assert_selects(".a[0].b", "null", &["null"]);
    assert_selects(".[-1]", "[1,2]", &["2"]);
    assert_selects(".[5]", "[1,2]", &["null"]);
    assert_selects(".a[]?", "{}", &[]);
    assert_selects(".a?.b", "[]", &[]);
    assert_selects(r#".["a-b"]."c.d""#, r#"{"a-b":{"c.d":1}}"#, &["1"]);
    assert_eq!(select(".a[]", "{}"), Err("Cannot iterate over null (null)".into()));
    assert_eq!(select(".a.b", r#"{"a":1}"#), Err("Cannot index number with string (\"b\")".into()));
}

#[test]
fn members_keep_the_order_of_the_source() {
    assert_selects(".", r#"{"z":1,"a":2}"#, &[r#"{"z":1,"a":2}"#]);
    assert_selects(". | {b: .z} + .", r#"{"z":1,"a":2}"#, &[r#"{"b":1,"z":1,"a":2}"#]);
    assert_selects(". | tostring", r#"{"z":1,"a":2}"#, &[r#""{\"z\":1,\"a\":2}""#]);
    assert_selects(". | keys", r#"{"z":1,"a":2}"#, &[r#"["a","z"]"#]);
    assert_selects(".b = 1 | del(.z)", r#"{"z":1,"a":2}"#, &[r#"{"a":2,"b":1}"#]);
}

#[test]
fn whole_numbers_have_no_point() {
    assert_selects("7/7", "null", &["1"]);
    assert_selects("10 / 4 * 2", "null", &["5"]);
    assert_selects(". | tostring", "1.0", &[r#""1""#]);
    assert_selects("[1.5, 2.50, 1e3] | tojson", "null", &[r#""[1.5,2.5,1000]""#]);
    assert_selects(". + 1", "9007199254740993", &["9007199254740994"]);
}

#[test]
fn the_dialect_of_the_templates_works() {
    let cases: [(&str, &str, &[&str]); 28] = [
        ("Instances.Instance|map({a:.OSType})", INSTANCES, &[r#"[{"a":"linux"},{"a":"windows"}]"#]),
        ("Instances.Instance[]|select(.OSType==\"linux\")|.InstanceId", INSTANCES, &[r#""i-1""#]),
        (".|(.a),\"text\"", r#"{"a":1}"#, &["1", r#""text""#]),
        ("{(.): null}", "\"k\"", &[r#"{"k":null}"#]),
        (".[1:3]", "[1,2,3,4]", &["[2,3]"]),
        (".[(length - 1):]", "[1,2,3]", &["[3]"]),
        (".a as $x | .b | map(. + $x)", r#"{"a":1,"b":[1,2]}"#, &["[2,3]"]),
        ("if .a == 1 then \"x\" elif .a == 2 then \"y\" else \"z\" end", r#"{"a":2}"#, &[r#""y""#]),
        ("reduce .[] as $x (0; . + $x)", "[1,2,3]", &["6"]),
        ("[foreach .[] as $x (0; . + $x)]", "[1,2,3]", &["[1,3,6]"]),
        (".a |= . + 1", r#"{"a":1}"#, &[r#"{"a":2}"#]),
        ("[.[]|select(.x = \"always true\")]|length", r#"[{"x":1},{"x":2}]"#, &["2"]),
        ("map(.)", r#"{"a":1,"b":2}"#, &["[1,2]"]),
        (". | length", "null", &["0"]),
        ("[.[]|tonumber]", r#"["1", 2, "2.5"]"#, &["[1,2,2.5]"]),
        ("join(\",\")", "[1,\"a\",null,true]", &[r#""1,a,,true""#]),
        ("split(\",\")", "\"a,b\"", &[r#"["a","b"]"#]),
        ("getpath([\"SystemDisk.Size\"])", r#"{"SystemDisk.Size":40}"#, &["40"]),
        ("[.[]|test(\"^(?!acs).*\")]", r#"["acs:x","x"]"#, &["[false,true]"]),
        ("match(\"^B$\"; \"ig\").string", "\"b\"", &[r#""b""#]),
        ("gsub(\"[aeiou]\"; \"\")", "\"selector\"", &[r#""slctr""#]),
        ("[scan(\"[0-9]+\")]", "\"a1b22\"", &[r#"["1","22"]"#]),
        ("group_by(.a)|map(length)", r#"[{"a":1},{"a":2},{"a":1}]"#, &["[2,1]"]),
        ("index(\"b\") < 0", "[\"a\"]", &["true"]),
        ("[range(0; 10; 3)]", "null", &["[0,3,6,9]"]),
        (". | from_entries", r#"[{"key":"a","value":1}]"#, &[r#"{"a":1}"#]),
        ("(.|fromjson).a", r#""{\"a\":1}""#, &["1"]),
        ("[..|objects|has(\"a\")]", r#"{"a":{"b":1}}"#, &["[true,false]"]),
    ];
    for (text, input, expected) in cases {
        assert_selects(text, input, expected);
    }
}

#[test]
fn substituted_lists_may_be_long() {
    let list: Vec<String> = (0..2_000).map(|i| format!("\"i-{i}\"")).collect();
    let text = format!(". as $x | [{}] | index($x)", list.join(", "));
    assert_selects(&text, "\"i-1999\"", &["1999"]);
}

#[test]
fn the_type_wraps_the_results_and_never_converts() {
    let run = |value_type, text: &str, input: &str| {
        wrap(value_type, Selector::parse(text).unwrap().run(&json(input), &Limits::default()).unwrap()).to_string()
    };
    assert_eq!(run(ValueType::List, ".a[]", r#"{"a":[1,[2]]}"#), "[1,[2]]");
    assert_eq!(run(ValueType::List, ".a", r#"{"a":[1]}"#), "[[1]]");
    assert_eq!(run(ValueType::List, ".a[]?", "{}"), "[]");
    assert_eq!(run(ValueType::List, ".a", "{}"), "[null]");
    assert_eq!(run(ValueType::String, ".a", r#"{"a":[1]}"#), "[1]");
    assert_eq!(run(ValueType::String, ".a[]?", "{}"), "null");
    assert_eq!(run(ValueType::Json, ".[]", "[1,2]"), "1");
}

#[test]
fn mistakes_are_told_with_their_place() {
    let place = |text: &str| match Selector::parse(text) {
        Err(SelectorError::Compile { offset, message, .. }) => (offset, message.to_string()),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(place(".a | foo"), (Some(5), "`foo/0` is not defined".into()));
    assert_eq!(place(".a | selct(.b)"), (Some(5), "`selct/1` is not defined; did you mean `select`?".into()));
    assert_eq!(place(".a | map"), (Some(5), "`map/0` is not defined; the number of its arguments is 1".into()));
    assert_eq!(place(".a | Instances"), (Some(5), "`Instances/0` is not defined; `.Instances` reads a member".into()));
    assert_eq!(place("a | foo"), (Some(4), "`foo/0` is not defined".into()));
    assert_eq!(place("  a | $x"), (Some(6), "`$x` is not defined".into()));
    assert_eq!(place(".a | map(.b"), (Some(11), "expected `)`, found the end".into()));
    assert_eq!(place(".a ] "), (Some(3), "expected the end, found `]`".into()));
    assert_eq!(place(".a | \"x"), (Some(5), "a string is not closed".into()));
    assert_eq!(place(".a | test(\"web\"server\")").0, Some(15));
    assert!(place("$.a[").1.starts_with("expected "));
    assert!(!place("$.a[").1.contains('\n'));
}

#[test]
fn what_reaches_beyond_the_input_does_not_compile() {
    for text in [
        "env",
        "$ENV",
        "$ENV.PATH",
        "now",
        "halt",
        "halt_error",
        "halt_error(1)",
        "debug",
        "debug(1)",
        "stderr",
        "input",
        "[inputs]",
        "input_filename",
        "input_line_number",
        "localtime",
        "strflocaltime(\"%Y\")",
        "get_search_list",
        "import \"a\" as a; 1",
        "include \"a\"; 1",
        "oos__modify(.; .)",
        "$__prog_args",
        "a::b",
    ] {
        assert!(matches!(Selector::parse_program(text), Err(SelectorError::Compile { .. })), "{text}");
    }
}

#[test]
fn errors_of_programs_are_run_errors() {
    assert_eq!(program("error(\"no\")", "null"), Err("no".into()));
    assert_eq!(program("error", r#"{"a":1}"#), Err(r#"not a string: object ({"a":1})"#.into()));
    assert_eq!(program("{(.): 1}", "1"), Err("Object keys must be strings, not number (1)".into()));
    let selector = Selector::parse_program("1, error(\"x\")").unwrap();
    assert_eq!(selector.run(&Value::Null, &Limits::default()), Err(SelectorError::Run { message: "x".into() }));
}

#[test]
fn selectors_are_shared_among_threads() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    let cache = SelectorCache::default();
    let selector = cache.selector("a | test(\"^x\")").unwrap();
    shared(&cache);
    shared(&selector);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (cache, selector) = (cache.clone(), selector.clone());
            std::thread::spawn(move || {
                let input = json(r#"{"a":"xy"}"#);
                let again = cache.selector("a | test(\"^x\")").unwrap();
                (0..50).all(|_| {
                    selector.run(&input, &Limits::default()) == Ok(vec![true.into()])
                        && again.run(&input, &Limits::default()) == Ok(vec![true.into()])
                })
            })
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
}
