//! Bad input gives one clear error, soon.

use std::time::{Duration, Instant};

use oos_core::{
    Limits, Template,
    diagnostic::{Code, Diagnostics},
};

/// CHOICE: an unoptimised build may take ten times the 50 ms that are promised.
fn allowed() -> Duration {
    Duration::from_millis(if cfg!(debug_assertions) { 500 } else { 50 })
}

/// The one finding about a bad text; the best time of three keeps other work on the machine out of the measurement.
fn refused(what: &str, bytes: &[u8]) -> (Code, String) {
    let mut best = Duration::MAX;
    let mut found = Diagnostics::default();
    for _ in 0..3 {
        let start = Instant::now();
        found = Template::parse_bytes("bad.yml", bytes, &Limits::default()).err().unwrap_or_else(|| panic!("{what}"));
        best = best.min(start.elapsed());
    }
    assert!(best < allowed(), "{what} took {best:?}");
    let findings: Vec<_> = found.iter().collect();
    assert_eq!(findings.len(), 1, "{what}: {found}");
    (findings[0].code, findings[0].message.clone())
}

fn laughs() -> String {
    let lines = (1..10).map(|i| format!("l{i}: &l{i} [{}]\n", vec![format!("*l{}", i - 1); 9].join(",")));
    std::iter::once("l0: &l0 [lol]\n".to_owned()).chain(lines).collect()
}

#[test]
fn bad_input_gives_one_clear_error_soon() {
    let half = 32_000;
    let cases: Vec<(&str, Vec<u8>, Code)> = vec![
        ("more than 64 KB", vec![b'a'; 65_537], Code::TOO_LARGE),
        ("one huge scalar", vec![b'a'; 65_536], Code::NOT_A_MAP),
        ("10 MB of invalid UTF-8", vec![0xff; 10_000_000], Code::TOO_LARGE),
        ("invalid UTF-8", b"a: \xff\xfe".to_vec(), Code::SYNTAX),
        ("cut UTF-8", "a: 你".as_bytes()[..5].to_vec(), Code::SYNTAX),
        ("NUL", b"a: \0".to_vec(), Code::SYNTAX),
        ("empty", b"".to_vec(), Code::NOT_A_MAP),
        ("blank", b" \n\n".to_vec(), Code::NOT_A_MAP),
        ("only a comment", b"# nothing".to_vec(), Code::NOT_A_MAP),
        ("only a BOM", "\u{feff}".as_bytes().to_vec(), Code::NOT_A_MAP),
        ("a scalar", b"42".to_vec(), Code::NOT_A_MAP),
        ("a list", b"- a\n- b".to_vec(), Code::NOT_A_MAP),
        ("two documents", b"a: 1\n---\nb: 2\n".to_vec(), Code::SYNTAX),
        ("duplicate key", b"a: 1\na: 2\n".to_vec(), Code::SYNTAX),
        ("duplicate JSON key", br#"{"a": {"b": 1, "b": 2}}"#.to_vec(), Code::SYNTAX),
        ("tabs", b"a:\n\t- b\n".to_vec(), Code::SYNTAX),
        ("open quote", b"a: 'b\n".to_vec(), Code::SYNTAX),
        ("open bracket", b"{".to_vec(), Code::SYNTAX),
        ("billion laughs", laughs().into_bytes(), Code::SYNTAX),
        ("alias to itself", b"&a [*a]".to_vec(), Code::SYNTAX),
        ("infinite number", b"a: .inf".to_vec(), Code::SYNTAX),
        ("64 KB of [", vec![b'['; 65_536], Code::LIMIT_DEPTH),
        ("64 KB of {", vec![b'{'; 65_536], Code::LIMIT_DEPTH),
        ("64 KB of [[\"a\",", b"[\"a\",".repeat(10_000), Code::LIMIT_DEPTH),
        ("brackets on lines", b"[\n".repeat(half), Code::LIMIT_DEPTH),
        (
            "brackets behind many bad quotes",
            [b"- 'a\nb'\n".repeat(20), b"- it 's\n- ".to_vec(), vec![b'['; 60_000]].concat(),
            Code::LIMIT_DEPTH,
        ),
        ("lists on one line", b"- ".repeat(half), Code::LIMIT_DEPTH),
        ("keys on one line", b"? ".repeat(half), Code::LIMIT_DEPTH),
        (
            "nested blocks",
            (0..300).map(|i| format!("{}a:\n", " ".repeat(i))).collect::<String>().into_bytes(),
            Code::LIMIT_DEPTH,
        ),
        ("balanced depth", [vec![b'['; 65], vec![b']'; 65]].concat(), Code::LIMIT_DEPTH),
        ("balanced JSON depth", [b"{\"a\":".repeat(65), b"1".to_vec(), vec![b'}'; 65]].concat(), Code::LIMIT_DEPTH),
        ("64 KB of colons", vec![b':'; 65_536], Code::SYNTAX),
        ("64 KB of quotes", vec![b'\''; 65_535], Code::SYNTAX),
        ("64 KB of commas", b"[a".iter().copied().chain(vec![b','; 60_000]).collect(), Code::SYNTAX),
        ("64 KB of line breaks", [vec![b'\n'; 65_000], b"'".to_vec()].concat(), Code::SYNTAX),
        ("64 KB of bad quotes", b"- 'a\nb'\n".repeat(6_000), Code::NOT_A_MAP),
        ("64 KB of anchors", b"&a ".repeat(20_000), Code::SYNTAX),
        ("64 KB of tags", b"!a ".repeat(20_000), Code::SYNTAX),
        ("64 KB of percent signs", b"%a\n".repeat(20_000), Code::SYNTAX),
        ("64 KB of documents", b"---\n".repeat(16_000), Code::SYNTAX),
    ];
    for (what, bytes, code) in cases {
        let (found, message) = refused(what, &bytes);
        assert_eq!(found, code, "{what}: {message}");
        assert!(!message.contains('\n') && message.len() < 200, "{what}: {message}");
    }
}

#[test]
fn invalid_utf8_names_the_byte_position() {
    let (_, message) = refused("utf8", b"a: \xff");
    assert_eq!(message, "the byte 0xFF at position 3 is not UTF-8");
}
