//! Selectors by example.

use oos_core::{Limits, Value, selector::Selector};

fn program(text: &str, input: &str) -> Result<String, String> {
    let selector = Selector::parse_program(text).map_err(|e| e.to_string())?;
    let input = Value::from_json_str(input).unwrap();
    let results = selector.run(&input, &Limits::default()).map_err(|e| e.to_string())?;
    Ok(results.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
}

#[test]
fn smoke() {
    for (text, input) in [
        (".", "1"),
        ("7/7", "1"),
        ("[.[]|.+1]", "[1,2]"),
        ("map(select(.a==1))", r#"[{"a":1},{"a":2}]"#),
        (".a |= .+1", r#"{"a":1}"#),
        ("test(\"^(?!acs).*\")", "\"abc\""),
        ("def f(g): g|g; f(.+1)", "1"),
        ("[limit(3;repeat(1))]", "1"),
        ("def f: f; f", "1"),
        ("[range(1e9)]", "1"),
        ("[..]", "[1,[2]]"),
        ("\"a\\(1+1)b\"", "1"),
        ("reduce .[] as $x (0; .+$x)", "[1,2]"),
        ("@base64", "\"x\""),
        ("to_entries", "{\"a\":1}"),
        ("def f(g): if . > 100000 then . else .+1 | f(g|.) end; 0|f(.)", "1"),
        ("def f: 1 + f; f", "1"),
        ("reduce range(100000) as $i (null; [.])|1", "1"),
        ("last(path(limit(100000;repeat(.a))))|length", "null"),
        ("{\"a\":[1,2,{\"b\":3}]}|.a[2].b", "null"),
        ("..|.a?", "[{\"a\":1}]"),
    ] {
        println!("{text:40} {:?}", program(text, input));
    }
}
