//! A text that a pattern takes: the shortest that its parts allow.

use fancy_regex::Regex;
use regex_syntax::hir::{Class, Hir, HirKind};

/// A text for an `AllowedPattern`; `None` for patterns with conditions that a walk over their parts cannot meet.
pub(crate) fn example(pattern: &str) -> Option<String> {
    let hir = regex_syntax::parse(&without_conditions(pattern)).ok()?;
    let mut text = String::new();
    write(&hir, &mut text);
    let whole = Regex::new(&format!("^(?:{pattern})$")).ok()?;
    let mut tries = vec![text.clone()];
    // Conditions ask for a mixture of characters; a few common ones may do behind or before the text.
    tries.extend(["Aa1!", "Passw0rd", "Passw0rd!", "a1"].iter().map(|more| format!("{more}{text}")));
    tries.into_iter().find(|text| whole.is_match(text).unwrap_or(false))
}

/// Takes `(?=..)`, `(?!..)` and their like away, which the parser does not know.
fn without_conditions(pattern: &str) -> String {
    let (mut out, mut rest) = (String::new(), pattern);
    while let Some(at) = ["(?=", "(?!", "(?<=", "(?<!"].iter().filter_map(|start| rest.find(start)).min() {
        let (before, group) = rest.split_at(at);
        out.push_str(before);
        rest = group.get(group_end(group)..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The end of the group that the text starts with.
fn group_end(text: &str) -> usize {
    let (mut depth, mut escaped, mut in_class) = (0_usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => depth += 1,
            ')' if !in_class => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

fn write(hir: &Hir, out: &mut String) {
    match hir.kind() {
        HirKind::Literal(literal) => out.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => out.push(one_of(class)),
        HirKind::Repetition(repeated) => {
            // What may be left out is written once where it may be, so that texts are not empty.
            let most = repeated.max.unwrap_or(u32::MAX);
            for _ in 0..repeated.min.max(1).min(most) {
                write(&repeated.sub, out);
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, out),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, out)),
        HirKind::Alternation(ways) => ways.first().into_iter().for_each(|way| write(way, out)),
        HirKind::Empty | HirKind::Look(_) => {}
    }
}

/// A letter or digit of the class if there is one.
fn one_of(class: &Class) -> char {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.iter().map(|r| (r.start(), r.end())).collect(),
        Class::Bytes(class) => class.iter().map(|r| (char::from(r.start()), char::from(r.end()))).collect(),
    };
    let within = |c: char| ranges.iter().any(|(first, last)| (*first..=*last).contains(&c));
    ('a'..='z').chain('1'..='9').chain('A'..='Z').find(|c| within(*c)).or(ranges.first().map(|r| r.0)).unwrap_or('a')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit_their_patterns() {
        for pattern in [
            "^[A-Z][A-Z0-9]{2}$",
            "(oss|https)://[\\S\\w]+",
            "sg-[A-Za-z0-9]*",
            "^(?=.*[0-9].*)(?=.*[A-Z].*)(?=.*[a-z].*)[a-zA-Z][0-9a-zA-Z_@#$]{7,}$",
            "(^[2-9]\\d{1}$)|(^[1-9]\\d{2}$)",
            "^\\{\\{oos-secret:.*$",
        ] {
            assert!(example(pattern).is_some(), "no text for {pattern}");
        }
        assert_eq!(example("^[A-Z]{3}$").as_deref(), Some("AAA"));
        assert_eq!(example("(?!)").as_deref(), None);
    }
}
