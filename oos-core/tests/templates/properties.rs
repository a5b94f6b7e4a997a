//! Generated documents print and parse to the same; nothing makes the parser panic.

use oos_core::{Limits, Map, Template, Value, params, source::Node};
use proptest::prelude::*;

/// Text that makes trouble in YAML.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ \t\n:#'\"|>{}\\[\\],&*!%@`~?-]{0,12}",
        "( {0,3}[a-z你]{0,3}\n{0,3}){0,4}",
        Just("{{ x }}".to_owned()),
        "(null|~|true|No|0755|1e3|0x1F|1_000|\\.inf|2024-01-02|12:30|-|=|<<|\u{7f}|\u{feff}|\u{85})",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9_f64).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| list.into_iter().collect()),
            prop::collection::vec((text(), inner), 0..4).prop_map(|m| Value::from(m.into_iter().collect::<Map>())),
        ]
    })
}

fn map() -> impl Strategy<Value = Value> {
    prop::collection::vec((text(), value()), 0..4).prop_map(|m| Value::from(m.into_iter().collect::<Map>()))
}

/// A document that lowers without an error.
fn document() -> impl Strategy<Value = Value> {
    let any_keys = |keys: &'static [&'static str]| {
        prop::collection::vec((prop::sample::select(keys), value()), 0..4)
            .prop_map(|members| members.into_iter().collect::<Map>())
    };
    let parameter = (any_keys(&["Default", "MinLength", "NoEcho", "Label", "AllowedValues", "Odd"]), 0..6_usize)
        .prop_map(|(mut p, t)| {
            if let Some(name) = ["String", "Number", "List", "Json", "Boolean"].get(t) {
                p.insert("Type", *name);
            }
            Value::from(p)
        });
    let output = (value(), any_keys(&["Odd", "Even"])).prop_map(|(value, mut o)| {
        o.insert("Value", value);
        o.insert("Description", "d");
        Value::from(o)
    });
    let looping = (any_keys(&["Items", "RateControl", "Mode", "Concurrency", "Odd"]), any::<bool>()).prop_map(
        |(mut l, outputs)| {
            if outputs {
                l.insert(
                    "Outputs",
                    params! { "a" => params! { "AggregateType" => "Fn::ListJoin", "AggregateField" => "a" } },
                );
            }
            Value::from(l)
        },
    );
    let task =
        (any_keys(&["When", "Retries", "Delay", "DelayType", "Odd"]), map(), prop::option::of(looping), any::<bool>());
    let task = task.prop_map(|(mut t, properties, looping, more)| {
        t.insert("Action", "ACS::Sleep");
        t.insert("Properties", properties);
        looping.map(|l| t.insert("Loop", l));
        if more {
            t.insert("OnError", "ACS::NEXT");
            t.insert("IsCritical", false);
            t.insert("Outputs", params! { "a" => params! { "Type" => "List", "ValueSelector" => ".a" } });
        }
        t
    });
    let named =
        |entries: Vec<Value>| entries.into_iter().enumerate().map(|(i, e)| (format!("n{i}"), e)).collect::<Map>();
    let parts = (
        prop::collection::vec(parameter, 0..3),
        prop::collection::vec(task, 1..4),
        prop::collection::vec(output, 0..3),
        any_keys(&["Conditions-", "Mappings"]),
        (text(), map(), map()),
    );
    parts.prop_map(move |(parameters, tasks, outputs, mut document, (description, metadata, conditions))| {
        let tasks: Value = tasks
            .into_iter()
            .enumerate()
            .map(|(i, mut task)| {
                task.insert("Name", format!("t-{i}"));
                Value::from(task)
            })
            .collect();
        document.insert("FormatVersion", "OOS-2019-06-01");
        document.insert("Description", description);
        document.insert("Metadata", metadata);
        document.insert("Parameters", named(parameters));
        document.insert("Conditions", params! { "c" => conditions });
        document.insert("Tasks", tasks);
        document.insert("Outputs", named(outputs));
        Value::from(document)
    })
}

/// Pieces of templates in any order.
fn soup() -> impl Strategy<Value = String> {
    let pieces = [
        "a",
        "a: ",
        "\n",
        "  ",
        "    ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "'",
        "\"",
        "|",
        ">",
        "&a ",
        "*a",
        "!t ",
        "#",
        "{{ x }}",
        "\t",
        "FormatVersion: OOS-2019-06-01\n",
        "Tasks:\n",
        "Name: n\n",
        "Action: ACS::Sleep\n",
        "? ",
        ",",
        ":",
        "你",
        "😀",
        "\u{feff}",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "\\",
        "\\u0041",
        "\r\n",
        "<<: ",
        "Outputs: ",
        "1e999",
        "~",
        "\u{2028}",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..60).prop_map(|pieces| pieces.concat())
}

fn never_panics(bytes: &[u8]) {
    match Template::parse_bytes("any.yml", bytes, &Limits::default()) {
        Ok(template) => assert!(!template.warnings.has_errors()),
        Err(found) => {
            assert!(found.has_errors());
            found.render();
            found.to_sarif();
            found.to_lsp();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn printing_and_parsing_gives_the_same_template(document in document()) {
        let template = Template::from_node(&Node::from_value(&document), None, &Limits::default())
            .unwrap_or_else(|found| panic!("{found}"));
        let yaml = template.to_yaml();
        prop_assert!(Template::parse(&yaml).unwrap_or_else(|found| panic!("{found}\n{yaml}")) == template, "{}", yaml);
        let json = template.to_json();
        let again = Template::parse(&json).unwrap_or_else(|found| panic!("{found}\n{json}"));
        prop_assert!(again == template, "{}", json);
        // Names compare without case, nodes with it.
        prop_assert!(again.to_node() == template.to_node(), "{}", json);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        never_panics(&bytes);
    }

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        never_panics(text.as_bytes());
    }

    #[test]
    fn pieces_of_templates_never_panic(text in soup()) {
        never_panics(text.as_bytes());
    }

    #[test]
    fn a_damaged_template_never_panics(from in 0..2_000_usize, len in 0..40_usize, piece in soup()) {
        let whole = include_str!("../golden/duplicate-name/template.yml");
        let characters: Vec<char> = whole.chars().collect();
        let from = from % characters.len();
        let to = (from + len).min(characters.len());
        let text: String = characters[..from].iter().copied().chain(piece.chars()).chain(characters[to..].iter().copied()).collect();
        never_panics(text.as_bytes());
    }
}
