//! Finds references inside text: `{{ … }}` with the grammar of template-language 3.1.
//!
//! The scan is leftmost and non-greedy and takes linear time. Braces around something that is no reference stay text
//! and are reported to the caller, who warns. What a name means is not decided here (`resolve.rs`).

use std::ops::Range;

use super::StoreReference;

/// What [`scan`] found in one text, in order.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Scan<'t> {
    /// References.
    pub(super) references: Vec<Found<'t>>,
    /// `{{ … }}` that are no reference, as byte ranges with the braces.
    pub(super) braces: Vec<Range<usize>>,
}

/// One reference.
#[derive(Debug, PartialEq)]
pub(super) struct Found<'t> {
    /// Its bytes, braces included.
    pub(super) range: Range<usize>,
    /// Its bytes between the braces, blanks stripped.
    pub(super) body: Range<usize>,
    /// What it says.
    pub(super) says: Body<'t>,
}

/// The text between the braces, taken apart.
#[derive(Debug, PartialEq)]
pub(super) enum Body<'t> {
    /// `ACS::Name`, perhaps with a path behind it.
    System {
        /// The name after `ACS::`.
        name: &'t str,
        /// What follows the first dot.
        path: Option<&'t str>,
    },
    /// `oos:Name` or `oos-secret:Name`.
    Store(StoreReference),
    /// A bare name.
    Parameter(&'t str),
    /// A name, a dot, and the name of an output or a path.
    Output {
        /// The name before the dot.
        task: &'t str,
        /// What follows the dot.
        rest: &'t str,
    },
}

/// All references of a text.
pub(super) fn scan(text: &str) -> Scan<'_> {
    let mut found = Scan::default();
    let mut at = 0;
    let mut close = 0;
    while let Some(open) = find(text, "{{", at) {
        if close < open + 2 {
            let Some(next) = find(text, "}}", open + 2) else { break };
            close = next;
        }
        match reference(text, open, close) {
            Some(reference) => {
                drop_overlapped(&mut found.braces, reference.range.start);
                found.references.push(reference);
                at = close + 2;
            }
            None => {
                note_braces(&mut found.braces, open..close + 2);
                at = open + 1;
            }
        }
    }
    found
}

/// References to stored parameters in a text, with the bytes they take up.
pub(crate) fn store_references(text: &str) -> Vec<(Range<usize>, StoreReference)> {
    let stored = scan(text).references.into_iter().filter_map(|found| match found.says {
        Body::Store(reference) => Some((found.range, reference)),
        _ => None,
    });
    stored.collect()
}

fn find(text: &str, what: &str, from: usize) -> Option<usize> {
    text.get(from..)?.find(what).map(|at| at + from)
}

/// Several openings before one closing count as one finding.
fn note_braces(braces: &mut Vec<Range<usize>>, range: Range<usize>) {
    if braces.last().is_none_or(|last| last.end != range.end) {
        braces.push(range);
    }
}

/// Braces in which a reference was found after all are none: `{{{ x }}}`.
fn drop_overlapped(braces: &mut Vec<Range<usize>>, start: usize) {
    if braces.last().is_some_and(|last| last.end > start) {
        braces.pop();
    }
}

fn reference(text: &str, open: usize, close: usize) -> Option<Found<'_>> {
    let inner = text.get(open + 2..close)?;
    let trimmed = inner.trim();
    let start = open + 2 + (inner.len() - inner.trim_start().len());
    let says = body(trimmed)?;
    Some(Found { range: open..close + 2, body: start..start + trimmed.len(), says })
}

fn body(text: &str) -> Option<Body<'_>> {
    if let Some(rest) = strip_system_prefix(text) {
        let (name, path) = name_and_path(rest)?;
        return Some(Body::System { name, path });
    }
    if let Some(reference) = store(text) {
        return Some(Body::Store(reference));
    }
    match name_and_path(text)? {
        (name, None) => Some(Body::Parameter(name)),
        (task, Some(rest)) => Some(Body::Output { task, rest }),
    }
}

/// A name, perhaps with a dot and a path behind it. Looks no further than the first byte that fits neither, which
/// keeps the scan linear.
fn name_and_path(text: &str) -> Option<(&str, Option<&str>)> {
    let (name, rest) = split_name(text, is_name_byte)?;
    if rest.is_empty() {
        return Some((name, None));
    }
    let path = rest.strip_prefix('.').filter(|path| is_path(path))?;
    Some((name, Some(path)))
}

/// The longest prefix of such bytes, which are ASCII, and what follows; `None` for an empty prefix.
fn split_name(text: &str, accept: fn(u8) -> bool) -> Option<(&str, &str)> {
    let length = text.bytes().take_while(|b| accept(*b)).count();
    text.split_at_checked(length).filter(|_| length > 0)
}

fn strip_system_prefix(text: &str) -> Option<&str> {
    let (head, rest) = text.split_at_checked("ACS::".len())?;
    head.eq_ignore_ascii_case("ACS::").then_some(rest)
}

fn store(text: &str) -> Option<StoreReference> {
    let (secret, rest) = match text.strip_prefix("oos-secret:") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix("oos:")?),
    };
    let (name, rest) = split_name(rest, |b| is_name_byte(b) || matches!(b, b'/' | b'.'))?;
    let version = match rest.strip_prefix(':') {
        Some(digits) => Some(digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?),
        None if rest.is_empty() => None,
        None => return None,
    };
    Some(StoreReference { secret, name: name.into(), version })
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// CHOICE: a direct reference is a path of names, `[…]` and `?` only (template-language 3.1 says "jq-path"); with a
/// pipe or blanks the braces are somebody else's template language and stay text.
fn is_path(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let Some(next) = path_step(rest) else { return false };
        rest = next;
    }
    !text.is_empty()
}

/// The jq program of a path. A name that jq would not take for one is quoted: there a hyphen subtracts and a digit
/// starts a number.
pub(super) fn path_program(path: &str) -> String {
    let mut program = String::new();
    let mut rest = path;
    while let Some(after) = path_step(rest) {
        let step = rest.get(..rest.len() - after.len()).unwrap_or("");
        let name = step.strip_prefix('.').unwrap_or(step);
        if name.starts_with(['[', '?']) {
            program.push_str(if program.is_empty() { "." } else { "" });
            program.push_str(name);
        } else if name.contains('-') || name.starts_with(|c: char| c.is_ascii_digit()) {
            program.push_str(&format!(".\"{name}\""));
        } else {
            program.push('.');
            program.push_str(name);
        }
        rest = after;
    }
    program
}

/// What follows the first step of a path.
fn path_step(text: &str) -> Option<&str> {
    let step = text.strip_prefix('.').unwrap_or(text);
    if let Some(index) = step.strip_prefix('[') {
        let end = index.find(['[', ']', '{', '}'])?;
        return index.get(end..)?.strip_prefix(']');
    }
    if let Some(rest) = step.strip_prefix('?') {
        return Some(rest);
    }
    split_name(step, is_name_byte).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(text: &str) -> Vec<&str> {
        scan(text).references.into_iter().map(|f| text.get(f.body).unwrap()).collect()
    }

    fn braces(text: &str) -> Vec<&str> {
        scan(text).braces.into_iter().map(|r| text.get(r).unwrap()).collect()
    }

    #[test]
    fn finds_references_with_and_without_blanks() {
        assert_eq!(bodies("{{a}} {{ b}} {{c }} {{\n d-e \n}}"), ["a", "b", "c", "d-e"]);
        assert_eq!(bodies("{{ describeForwardTableEntries.ForwardEntryId-all }}").len(), 1);
        assert_eq!(bodies("x{{ACS::RegionId}}y{{ acs::accountid }}"), ["ACS::RegionId", "acs::accountid"]);
    }

    #[test]
    fn takes_bodies_apart() {
        let says = |text| scan(text).references.pop().map(|f| f.says);
        assert_eq!(says("{{ a }}"), Some(Body::Parameter("a")));
        assert_eq!(says("{{ a.b }}"), Some(Body::Output { task: "a", rest: "b" }));
        assert_eq!(says("{{ a.b[].c? }}"), Some(Body::Output { task: "a", rest: "b[].c?" }));
        assert_eq!(says("{{ ACS::TaskLoopItem.x }}"), Some(Body::System { name: "TaskLoopItem", path: Some("x") }));
        let store =
            |secret, name: &str, version| Some(Body::Store(StoreReference { secret, name: name.into(), version }));
        assert_eq!(says("{{oos:aliyun/x_y.z}}"), store(false, "aliyun/x_y.z", None));
        assert_eq!(says("{{ oos-secret:Pw:3 }}"), store(true, "Pw", Some(3)));
    }

    #[test]
    fn braces_that_are_no_reference_stay_text() {
        for text in [
            "{{ .Name }}",
            "{{range .}}",
            "{{}}",
            "{{ }}",
            "{{ a | upper }}",
            "{{ oos:x:y }}",
            "{{ a b }}",
            "{{ oos:x:+1 }}",
        ] {
            assert_eq!(braces(text), [text], "{text}");
            assert!(bodies(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn open_braces_without_an_end_are_text() {
        for text in ["{{", "a {{ b", "{{ a }", "}}", "${a} ${{", "{ { a } }"] {
            assert_eq!(scan(text), Scan::default(), "{text}");
        }
    }

    #[test]
    fn the_scan_is_leftmost_and_not_greedy() {
        assert_eq!(bodies("{{{ x }}}"), ["x"]);
        assert!(braces("{{{ x }}}").is_empty());
        assert_eq!(bodies("{{ {{ x }} }}"), ["x"]);
        assert_eq!(bodies("{{a}}}}{{b}}"), ["a", "b"]);
        assert_eq!(braces("{{{ .Name }}} {{ x }}"), ["{{{ .Name }}"]);
    }

    #[test]
    fn many_braces_take_linear_time() {
        for piece in ["{{", "{{a", "{{ACS::", "{{oos:", "{{a.b[", "{{ "] {
            let text = piece.repeat(200_000) + "}}";
            assert!(scan(&text).references.len() + scan(&text).braces.len() <= 1, "{piece}");
        }
    }
}
