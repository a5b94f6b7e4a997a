//! Texts to start from, and damage to them: lines moved, doubled and cut, scalars replaced, pieces of other texts put
//! in.

use std::{fs, path::Path};

use proptest::{prelude::*, sample::Index, strategy::BoxedStrategy};

/// Pieces that mean something to the parser of documents, to expressions or to selectors.
const TOKENS: &[&str] = &[
    "{{ ",
    " }}",
    "{{",
    "}}",
    "{{ ids }}",
    "{{ list.x }}",
    "{{ ACS::TaskLoopItem }}",
    "{{ oos-secret:p }}",
    "{{ ACS::CurrentUTCTime }}",
    "{{ t.a[].b }}",
    "Fn::If: ",
    "Fn::Jq: ",
    "Fn::Select: ",
    "Fn::Equals: ",
    "Fn::Sub: ",
    "'",
    "\"",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "&a ",
    "*a",
    "!!str ",
    "| ",
    ">-\n",
    "---\n",
    "...\n",
    "\t",
    "\r\n",
    "\n",
    "\u{feff}",
    "#",
    ": ",
    "- ",
    "? ",
    ",",
    "null",
    "~",
    "true",
    "No",
    "1e999",
    "-0",
    "0x7f",
    "1_000",
    ".inf",
    "08:00:00Z",
    "99999999999999999999",
    "9223372036854775807",
    "-9223372036854775808",
    "1.5",
    "100%",
    "你",
    "😀",
    "\u{0}",
    "\u{85}",
    "\u{2028}",
    "\\",
    "\\u0041",
    "\\uD800",
    "ACS::END",
    "ACS::NEXT",
    "ACS::Loop",
    "ACS::Template",
    "ACS::Choice",
    "Tasks",
    "Name: a\n",
    "Loop: ",
    "Items: ",
    "When: ",
    "Type: List\n",
    "%YAML 1.2\n",
    "<<: ",
    "$.a[?@.b==1]",
    "..",
    "..*",
    " | ",
    "map(",
    "select(",
    "test(\"",
    "reduce .[] as $x (",
    "def f: f; f",
    "repeat(.)",
    "recurse",
    "as [$a, $b] | ",
    "//",
    "?",
    "@json ",
    "\"\\(",
    "limit(3; ",
    "path(",
    "getpath([\"a\"])",
    "(?=a)",
    "(a*)*",
    "[::2]",
    "[-1]",
    "length(",
    "match(@.a, '",
];

/// Text of the official templates and of our own.
pub(crate) fn seeds() -> Vec<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<_> =
        ["../examples/templates", "../oos-actions/templates", "tests/golden", "tests/golden_checks"]
            .map(|folder| here.join(folder))
            .into();
    if let Ok(corpus) = std::env::var("OOS_CORPUS") {
        folders.extend(["public", "actions", "json"].map(|folder| Path::new(&corpus).join(folder)));
    }
    let mut texts = Vec::new();
    folders.iter().for_each(|folder| read(folder, &mut texts));
    assert!(texts.len() > 50, "our own templates are not where they were");
    texts
}

fn read(folder: &Path, texts: &mut Vec<String>) {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read(&path, texts);
        } else if path.extension().is_some_and(|e| ["yml", "yaml", "json"].iter().any(|known| e == *known)) {
            texts.push(fs::read_to_string(&path).unwrap());
        }
    }
}

/// Selectors as the texts of templates hold them: what follows `ValueSelector:` and the like.
pub(crate) fn selectors() -> Vec<String> {
    let mut found: Vec<String> = seeds()
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| line.split_once("Selector:"))
        .map(|(_, selector)| selector.trim().trim_matches(['\'', '"']).to_owned())
        .collect();
    found.sort();
    found.dedup();
    assert!(found.len() > 20, "templates have selectors");
    found
}

/// One piece of damage.
#[derive(Clone, Debug)]
enum Damage {
    Cut(Index, u8),
    Insert(Index, &'static str),
    Text(Index, String),
    Repeat(Index, u8, u16),
    DropLine(Index),
    MoveLine(Index, Index, u8),
    Value(Index, &'static str),
    Splice(Index, Index, Index),
    Byte(Index, u8),
    End(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    let token = || prop::sample::select(TOKENS);
    prop_oneof![
        3 => (at(), any::<u8>()).prop_map(|(at, n)| Damage::Cut(at, n % 24)),
        5 => (at(), token()).prop_map(|(at, token)| Damage::Insert(at, token)),
        1 => (at(), any::<String>()).prop_map(|(at, text)| Damage::Text(at, text)),
        1 => (at(), 0..12_u8, 1..1_500_u16).prop_map(|(at, n, times)| Damage::Repeat(at, n, times)),
        2 => at().prop_map(Damage::DropLine),
        2 => (at(), at(), 0..8_u8).prop_map(|(from, to, indent)| Damage::MoveLine(from, to, indent)),
        4 => (at(), token()).prop_map(|(at, token)| Damage::Value(at, token)),
        2 => (at(), at(), at()).prop_map(|(other, from, to)| Damage::Splice(other, from, to)),
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        1 => at().prop_map(Damage::End),
    ]
}

/// Texts with up to eight pieces of damage; `others` are spliced in.
pub(crate) fn damaged(texts: BoxedStrategy<String>, others: Vec<String>) -> BoxedStrategy<Vec<u8>> {
    let damages = prop::collection::vec(damage(), 0..8);
    (texts, damages)
        .prop_map(move |(text, damages)| {
            let mut bytes = text.into_bytes();
            damages.iter().for_each(|damage| apply(damage, &mut bytes, &others));
            bytes
        })
        .boxed()
}

fn apply(damage: &Damage, bytes: &mut Vec<u8>, others: &[String]) {
    let position = |at: &Index, bytes: &[u8]| border(bytes, at.index(bytes.len() + 1));
    match damage {
        Damage::Cut(at, n) => {
            let from = position(at, bytes);
            let to = border(bytes, (from + usize::from(*n)).min(bytes.len()));
            bytes.drain(from..to.max(from));
        }
        Damage::Insert(at, token) => insert(bytes, position(at, bytes), token.as_bytes()),
        Damage::Text(at, text) => insert(bytes, position(at, bytes), text.as_bytes()),
        Damage::Repeat(at, n, times) => {
            let from = position(at, bytes);
            let to = border(bytes, (from + usize::from(*n)).min(bytes.len())).max(from);
            let piece = bytes[from..to].repeat(usize::from(*times));
            insert(bytes, to, &piece);
        }
        Damage::DropLine(at) => {
            let mut lines = lines(bytes);
            lines.remove(at.index(lines.len()));
            *bytes = lines.concat();
        }
        Damage::MoveLine(from, to, indent) => {
            let mut lines = lines(bytes);
            let line = lines[from.index(lines.len())].trim_ascii_start().to_vec();
            let line = [vec![b' '; 2 * usize::from(*indent)], line].concat();
            lines.insert(to.index(lines.len()), line);
            *bytes = lines.concat();
        }
        Damage::Value(at, token) => {
            let mut lines = lines(bytes);
            let at = at.index(lines.len());
            let colon = lines[at].iter().position(|b| *b == b':').map_or(0, |colon| colon + 1);
            lines[at].truncate(colon);
            lines[at].extend([b" ", token.as_bytes(), b"\n"].concat());
            *bytes = lines.concat();
        }
        Damage::Splice(other, from, to) => {
            let other = lines(other.get(others).as_bytes());
            let from = from.index(other.len());
            let piece = other[from..(from + 6).min(other.len())].concat();
            let mut lines = lines(bytes);
            lines.insert(to.index(lines.len()), piece);
            *bytes = lines.concat();
        }
        Damage::Byte(at, byte) => {
            if let Some(slot) = (!bytes.is_empty()).then(|| at.index(bytes.len())) {
                bytes[slot] = *byte;
            }
        }
        Damage::End(at) => bytes.truncate(position(at, bytes)),
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

/// Lines with their ends; at least one.
fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).chain(bytes.is_empty().then(Vec::new)).collect()
}

/// The next border of characters.
fn border(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|b| b & 0xc0 == 0x80) {
        at += 1;
    }
    at
}
