//! The path walker and jq give the same answers.

#![expect(clippy::panic, reason = "tests")]

use oos_core::{Limits, Map, Value, selector::Selector};
use proptest::prelude::*;

fn key() -> impl Strategy<Value = String> {
    prop_oneof![Just("a".to_owned()), Just("b".to_owned()), Just("c_1".to_owned()), Just("d e".to_owned())]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..3).prop_map(Value::from),
        (-2.0_f64..2.0).prop_map(Value::from),
        "[a-c你]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 5, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            4 => prop::collection::vec((key(), inner), 0..5)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map>())),
        ]
    })
}

fn part() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => prop_oneof![Just(".a"), Just(".b"), Just(".c_1")].prop_map(ToOwned::to_owned),
        1 => key().prop_map(|key| format!(".\"{key}\"")),
        1 => key().prop_map(|key| format!("[\"{key}\"]")),
        1 => key().prop_map(|key| format!(".[\"{key}\"]")),
        3 => Just("[]".to_owned()),
        1 => Just(".[]".to_owned()),
        2 => (-4_i64..4).prop_map(|index| format!("[{index}]")),
    ];
    (part, prop_oneof![2 => Just(""), 1 => Just("?"), 1 => Just("??")]).prop_map(|(part, mark)| part + mark)
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(part(), 0..6).prop_map(|parts| {
        let path = parts.concat();
        if path.starts_with('.') { path } else { format!(".{path}") }
    })
}

/// What is asked of both: the results, or the message.
fn answer(text: &str, input: &Value) -> Result<Vec<Value>, String> {
    Selector::parse_program(text)
        .unwrap_or_else(|e| panic!("{e}"))
        .run(input, &Limits::default())
        .map_err(|e| e.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// Parentheses keep a path from the walker.
    #[test]
    fn the_walker_answers_as_jq_does(path in path(), input in value()) {
        prop_assert_eq!(answer(&path, &input), answer(&format!("({path})"), &input), "{} on {}", path, input);
    }

    /// Any text compiles or not, but nothing panics and nothing hangs.
    #[test]
    fn no_text_panics(text in "[.a\\[\\](){}|,:;$@?\"\\\\ +*/=<>0-9efindrutc-]{0,40}", input in value()) {
        let mut limits = Limits::default();
        limits.selector_steps = 3_000;
        if let Ok(selector) = Selector::parse_program(&text) {
            let _ = selector.run(&input, &limits);
        }
        if let Ok(selector) = Selector::parse(&format!("$.{text}")) {
            let _ = selector.run(&input, &limits);
        }
    }

    /// The same for texts that look like programs.
    #[test]
    fn no_soup_of_words_panics(words in prop::collection::vec(word(), 1..25), input in value()) {
        let text = words.concat();
        let mut limits = Limits::default();
        limits.selector_steps = 3_000;
        if let Ok(selector) = Selector::parse_program(&text) {
            let _ = selector.run(&input, &limits);
        }
    }

    /// Programs of real filters on any input either answer or fail, and the same each time.
    #[test]
    fn runs_are_repeatable(stages in prop::collection::vec(stage(), 1..5), input in value()) {
        let text = stages.join(" | ");
        let mut limits = Limits::default();
        limits.selector_steps = 100_000;
        let selector = Selector::parse_program(&text).unwrap_or_else(|e| panic!("{e}"));
        prop_assert_eq!(selector.run(&input, &limits), selector.run(&input, &limits), "{}", text);
    }

    /// Assignment and deletion are what getpath, setpath and delpaths say.
    #[test]
    fn updates_agree_with_paths(path in path(), input in value()) {
        let path = path.replace('?', "");
        // Which of several errors comes first is open.
        let answer = |text: &str, input: &Value| answer(text, input).map_err(|_| ());
        let assigned = answer(&format!("({path}) = 7"), &input);
        let by_paths = answer(&format!("reduce path({path}) as $p (.; setpath($p; 7))"), &input);
        prop_assert_eq!(assigned, by_paths, "{} on {}", &path, input);
        let updated = answer(&format!("({path}) |= [.]"), &input);
        let by_paths = answer(&format!("reduce path({path}) as $p (.; setpath($p; [getpath($p)]))"), &input);
        prop_assert_eq!(updated, by_paths, "{} on {}", path, input);
    }
}

fn stage() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        ".",
        ".[]?",
        ".a?",
        "map(.)?",
        "keys?",
        "length?",
        "add?",
        "sort?",
        "tojson",
        "tostring",
        "[..]",
        "flatten?",
        "to_entries?",
        "[paths]",
        "group_by(.a?)?",
        "unique?",
        "reverse?",
        "map_values(.)?",
        "del(.a?)?",
        "type",
        "[.] | min",
        "[limit(3; .[]?)]",
        "tojson | fromjson",
        "[splits(\"a\")?]",
        "ascii_downcase?",
        "first?",
        "any?",
        "walk(.)",
        "[.[]? | select(. > 1)]",
        "with_entries(.value |= [.])?",
        "(.a? // 1)",
        "{a: ., b: [.]}",
        ". + .?",
        "[., .] | unique_by(type)",
        "[tostream] | fromstream(.[])",
        "@json",
        "[match(\".\"; \"g\")?]",
        "-(1, 2)",
        "index(\"a\")?",
        "indices(1)?",
        "contains(.)?",
        "inside(.)?",
        "@base64?",
        "limit(2; repeat(.))",
    ])
}

const WORDS: &[&str] = &[
    ".",
    ".a",
    "[]",
    "[0]",
    "[.a]",
    "[1:]",
    "?",
    "|",
    "|",
    "|",
    ",",
    "(",
    ")",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "{a}",
    ":",
    ";",
    " as $x | ",
    " as [$x, {a: $y}] | ",
    " as [$x] ?// $x | ",
    "$x",
    "$__loc__",
    " if ",
    " then ",
    " elif ",
    " else ",
    " end ",
    " try ",
    " catch ",
    " reduce ",
    " foreach ",
    " as $y (0; ",
    "def f: ",
    "def f(g): ",
    "def f($n): ",
    "f",
    "f(.)",
    "g",
    "label $l | ",
    "break $l",
    "=",
    "|=",
    "+=",
    "//=",
    "//",
    " and ",
    " or ",
    "==",
    "<",
    "+",
    "-",
    "*",
    "/",
    "%",
    "1",
    "0.5",
    "\"s\"",
    "\"a\\(.)b\"",
    "null",
    "true",
    "..",
    "map(.)",
    "select(.)",
    "empty",
    "error",
    "length",
    "path(..)",
    "first(.[]?)",
    "limit(2; .)",
    "repeat(.)",
    "recurse",
    "tojson",
    "sort_by(.)",
    "test(\"a\")",
    "@json",
    "del(.a)",
    "to_entries",
    "range(3)",
    "input",
    "$ENV",
    "getpath([\"a\"])",
    "#c\n",
    " ",
];

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(WORDS)
}
