//! Hostile selectors end with an error, soon, without a crash.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::time::{Duration, Instant};

use oos_core::{
    Limits, Value,
    selector::{Selector, SelectorError},
};

/// Time for one selector in a debug build on a slow machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// Threads of asynchronous runtimes have 2 MB; some of it is in use before a selector runs.
const STACK: usize = 1_700_000;

fn outcome(text: &str, input: &str) -> Result<Vec<Value>, SelectorError> {
    let (text, input) = (text.to_owned(), input.to_owned());
    let run = move || {
        let input = Value::from_json_str(&input).unwrap();
        let mut limits = Limits::default();
        // A tenth of the default, so that the test takes seconds in debug builds.
        limits.selector_steps = 1_000_000;
        Selector::parse_program(&text)?.run(&input, &limits)
    };
    std::thread::Builder::new().stack_size(STACK).spawn(run).unwrap().join().unwrap()
}

/// Checks that each program hits a bound in time.
fn assert_stopped(texts: &[&str], input: &str) {
    let mut wrong = Vec::new();
    for text in texts {
        #[expect(clippy::disallowed_methods, reason = "a bound on real time is what is tested")]
        let start = Instant::now();
        let outcome = outcome(text, input);
        let took = start.elapsed();
        println!("{text}: {:?} after {took:?}", outcome.as_ref().err().map(ToString::to_string));
        if !matches!(outcome, Err(SelectorError::Limit { .. })) || took > PATIENCE {
            wrong.push(format!("{text}: {:?} after {took:?}", outcome.map(|results| results.len())));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn endless_programs_stop() {
    let texts = [
        "[range(1e9)]",
        "range(1e12)",
        "[range(0; infinite)]",
        "[range(0; 1; 0)]",
        "def f: f; f",
        "def f: f | f; f",
        "def f: f, f; f",
        "def f: empty, f; f",
        "def f: (f | f), f; [f]",
        "def f(g): f(g | g); f(.)",
        "def f(g): f(f(g)); f(.)",
        "def f: def g: f; g; f",
        "def f: try f catch f; f",
        "def f: try error catch f; f",
        "def f: (try error(1) catch .) | f; f",
        "def f: first(f); f",
        "def f: [f]; f",
        "def f: {a: f}; f",
        "def f: 1 + f; f",
        "def f: f // f; f",
        "def f: f as $x | f; f",
        "def f: . as $x | f; f",
        "def f: label $l | f; f",
        "def f: \"\\(f)\"; f",
        "def f: reduce f as $x (0; f); f",
        "def f: if f then f else f end; f",
        "repeat(.)",
        "last(repeat(.))",
        "[limit(1e9; repeat(1))]",
        "isempty(repeat(1) | empty)",
        "any(0 | repeat(.); . == 1)",
        ".[0] | [splits(\"\") | repeat(.)]",
        "def f: . |= f; f",
        "until(false; .)",
        "[while(true; .)]",
        "[recurse]| [recurse(.)]",
        "foreach repeat(1) as $x (0; . + 1)",
        "reduce repeat(1) as $x (0; . + 1)",
        "label $out | repeat(1) | select(false)",
        "try repeat(error) catch repeat(1)",
        "[.[]?, (repeat(1) | select(false))?]",
        "first(repeat(1) | select(. == 2))",
        "[skip(1e9; repeat(1))]",
        "[limit(1e6; repeat(1)) | limit(1e6; repeat(1))]",
        "[combinations(1000)]",
        "[[range(100)] | combinations(100)]",
        "def f: if . == 0 then range(1e9) else (. - 1 | limit(1e9; f)) end; 20 | last(f)",
        "def f: if . == 0 then range(1e9) else (. - 1 | limit(1e9; f)) end; 5 | last(f)",
    ];
    assert_stopped(&texts, "[\"a\", \"b\"]");
}

#[test]
fn programs_that_build_too_much_stop() {
    let texts = [
        "\"x\" * 1e9 | length",
        "[range(100)] | map(\"x\" * 1e7)",
        "reduce range(60) as $i (\"x\"; . + .) | length",
        "reduce range(60) as $i ([1]; . + .) | length",
        "reduce range(60) as $i (1; [., .])",
        "reduce range(60) as $i (1; [., .]) | tojson | length",
        "reduce range(60) as $i (1; [., .]) | [..] | length",
        "reduce range(60) as $i (1; [., .]) | flatten",
        "reduce range(60) as $i (1; [., .]) | . == (. | map(.))",
        "reduce range(60) as $i (1; {a: ., b: .}) | . <= {a: .a, b: .b}",
        "reduce range(60) as $i (1; [., .]) | [., .] | sort | length",
        "reduce range(60) as $i (1; [., .]) | [., .] | unique | group_by(.)",
        "reduce range(60) as $i (1; [., .]) | [paths] | length",
        "reduce range(60) as $i (1; [., .]) | tostream",
        "reduce range(60) as $i (1; [., .]) | walk(.)",
        "reduce range(60) as $i (1; [., .]) | [., .] - [.] | length",
        "reduce range(60) as $i ({}; {a: ., b: .}) | . * .",
        "reduce range(1e6) as $i (null; [.]) | 1",
        "reduce range(1e6) as $i (null; {a: .}) | 1",
        "[limit(100000; repeat(.))] | reduce .[] as $x (null; [$x, .])",
        "def f: [.] | f; f",
        "def f: {a: .} | f; f",
        ".[1e8] = 1 | length",
        ".[5e8] = 1 | length",
        "last(path(limit(1e6; repeat(.a))))",
        "null | last(path(limit(1e6; repeat(.[1:]))))",
        "null | last(path(limit(1e6; repeat(getpath([\"a\"])))))",
        "[0] | last(path(limit(1e6; repeat(.[[0]]))))",
        "[0] | last(path(limit(1e6; repeat(.[{start: 0}]))))",
        "[[0]] | last(path(limit(1e6; repeat(getpath([])))))",
        "null | [limit(1e6; repeat(.a))] | length",
        "def f(g): if . > 1e6 then . else . + 1 | f(g | .) end; 0 | f(.)",
        "def f(g; $n): if $n > 1e5 then g else f(g | .; $n + 1) end; f(.; 0)",
        "[range(1e6)] | sort_by(-.) | group_by(. % 10) | map(map([., .])) | tojson",
        "[range(3000)] | [.[] as $a | .[] as $b | [$a, $b]] | length",
        "[range(1e5) | tostring] | join(\",\") | [match(\"[0-9]+\"; \"g\")] | length",
        "\"a\" * 1e5 | gsub(\"\"; \"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\")",
        "\"a\" * 1e6 | [match(\"a.*b|a\"; \"g\")] | length",
        "\"a\" * 1e6 | explode | map([., .]) | tojson",
        "\"abc\" * 1e6 | [indices(\"a\")[] | tostring] | join(\"\") | . * 100",
        "\"a\" * 1e7 | [., ., ., ., ., ., ., ., ., .] | map(. + \"b\") | join(\"\")",
        "[range(1e4)] as $l | [range(1e4) | $l] | add | length",
        "[range(1e4)] | transpose? // [range(1e4) as $i | [range(1e4)]] | length",
        "\"x\" * 1e6 | [range(1e4) as $i | .[$i:]] | length",
        "\"1\" * 1e7 | tonumber | [repeat(.)]",
    ];
    assert_stopped(&texts, "null");
    // The parser of JSON has a bound of its own.
    assert!(matches!(outcome("\"[\" * 1e6 | fromjson", "null"), Err(SelectorError::Run { .. })));
}

#[test]
fn hostile_regular_expressions_stop() {
    let texts = [
        r#""a" * 60 + "b" | test("^(?:(a|aa)\\1?)+$")"#,
        r#""a" * 5000 | test("(a*)*\\1b")"#,
        r#"[range(10000) | tostring] | map("a" * 30 + . | test("^(?:(a+)\\1?)+$"))"#,
        r#""a" * 100000 | [scan("(a*)*\\1b|a")]"#,
    ];
    assert_stopped(&texts, "null");
    for text in ["test(\"(\" * 1e6)", "test(\"(?:\" * 5000 + \")\" * 5000)"] {
        assert!(outcome(text, "\"a\"").is_err(), "{text}");
    }
}

#[test]
fn programs_that_nest_too_deep_do_not_compile() {
    let deep = |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    let texts = [
        deep("[", "]", 30_000),
        deep("(", ")", 30_000),
        deep("{a:", "}", 15_000),
        deep("-", "", 30_000),
        deep("1+", "", 30_000),
        deep("1,", "", 30_000),
        deep("1|", "", 30_000),
        deep("1//", "", 20_000),
        deep("1 and ", "", 10_000),
        deep("if 1 then ", " end", 4_000),
        deep("try ", "", 10_000),
        deep("def f: ", "; f", 6_000),
        deep("def f: 1; ", "", 6_000),
        deep("1 as $x|", "", 8_000),
        deep("label $x|", "", 7_000),
        deep("reduce ", " as $x (0;1)", 3_000),
        deep("\"\\(", ")\"", 13_000),
        deep("f(", ")", 20_000),
        deep("", "[0]", 20_000),
        deep("", "?", 60_000),
        deep(".a=", "", 20_000),
        format!(". as {}$x{} | 1", "[".repeat(20_000), "]".repeat(20_000)),
        ".a".repeat(30_000),
        format!("{}|1", ".a".repeat(30_000)),
        format!(".a{} |= 1", "[0]".repeat(15_000)),
        "[".repeat(60_000),
        "\"\\(".repeat(20_000),
        "if ".repeat(20_000),
        "x".repeat(70_000),
    ];
    for text in texts {
        #[expect(clippy::disallowed_methods, reason = "a bound on real time is what is tested")]
        let start = Instant::now();
        // Some are fine (`1,1,1…`), but none may crash, neither when it compiles nor when it runs.
        let outcome = outcome(&text, "null");
        let shown: String = text.chars().take(40).collect();
        println!("{shown}… {:?} {:?}", outcome.map(|r| r.len()).map_err(|e| e.to_string().len()), start.elapsed());
        assert!(start.elapsed() < PATIENCE);
    }
    let query = format!("$[?{}@.a{}]", "(".repeat(10_000), ")".repeat(10_000));
    assert!(matches!(Selector::parse(&query), Err(SelectorError::Compile { .. })));
    assert!(Selector::parse(&format!("${}", "..*".repeat(5_000))).is_err());
}

#[test]
fn programs_at_the_bounds_run() {
    let deep = |open: &str, inner: &str, close: &str, n: usize| format!("{}{inner}{}", open.repeat(n), close.repeat(n));
    let texts = [
        deep("1+", "1", "", 140),
        deep("1 as $x|", "1", "", 50),
        deep("[", ".", "]", 60),
        deep("(", ".", ")", 60),
        deep("{a:", ".", "}", 55),
        deep("if . == 0 then 1 else ", "2", " end", 55),
        deep("def f: ", "1", "; f", 55),
        deep("def f: 1; ", "f", "", 55),
        deep("try error catch ", ".", "", 40),
        deep("", ".", " | . + 1", 1_000),
        deep("", ".", ", 1", 1_000),
        deep("first(", ".", ")", 55),
        deep("path(", ".", ")", 1),
        format!("[{}1] | length", "\"i-0123456789\", ".repeat(3_000)),
        format!("{{{}\"z\": 1}} | length", (0..1_000).map(|i| format!("\"k{i}\": [{i}], ")).collect::<String>()),
        format!("{{{}\"z\": 1}} | length", (0..400).map(|i| format!("\"k{i}\": ., ")).collect::<String>()),
        format!("\"{}\" | length", "a\\(.)".repeat(100)),
    ];
    for text in texts {
        let shown: String = text.chars().take(40).collect();
        let outcome = outcome(&text, "0");
        assert!(outcome.is_ok(), "{shown}: {outcome:?}");
    }
}

#[test]
fn too_many_results_stop() {
    let mut limits = Limits::default();
    limits.selector_results = 10;
    for (text, input) in [("range(11)", "null"), (".[]", "[1,2,3,4,5,6,7,8,9,10,11]")] {
        let selector = Selector::parse_program(text).unwrap();
        let outcome = selector.run(&Value::from_json_str(input).unwrap(), &limits);
        assert!(matches!(outcome, Err(SelectorError::Limit { .. })), "{outcome:?}");
    }
    let query = Selector::parse("$..[*]").unwrap();
    let input = Value::from_json_str("[[1,2,3,4,5,6,7,8,9,10,11]]").unwrap();
    assert!(matches!(query.run(&input, &limits), Err(SelectorError::Limit { .. })));
}

#[test]
fn descendants_of_descendants_stop() {
    let deep = format!("{}1{}", "[1,".repeat(60), "]".repeat(60));
    let input = Value::from_json_str(&deep).unwrap();
    let query = Selector::parse("$..*..*..*..*..*..*..*").unwrap();
    assert!(matches!(query.run(&input, &Limits::default()), Err(SelectorError::Limit { .. })));
}
