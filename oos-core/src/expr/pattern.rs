//! `AllowedPattern`: regular expressions as Python and PCRE read them, on an engine with bounds (template-language 2.6).

use std::sync::Arc;

use crate::{
    Limits,
    limits::{COMPILED_PATTERN_BYTES, PATTERN_BYTES},
};

/// A compiled `AllowedPattern`.
#[derive(Clone, Debug)]
pub struct Pattern(Arc<fancy_regex::Regex>);

impl Pattern {
    /// Compiles a pattern. It is matched at the start of the text but need not reach its end, as the shape hints of
    /// the official templates want it (template-language 2.6).
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, String> {
        if text.len() > PATTERN_BYTES {
            return Err(format!("the pattern is longer than {PATTERN_BYTES} bytes"));
        }
        let anchored = format!(r"\A(?:{})", plain_classes(text));
        let mut builder = fancy_regex::RegexBuilder::new(&anchored);
        builder.backtrack_limit(limits.regex_steps);
        builder.delegate_size_limit(COMPILED_PATTERN_BYTES).delegate_dfa_size_limit(COMPILED_PATTERN_BYTES);
        let regex = builder.build();
        let one_line = |e: fancy_regex::Error| e.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        regex.map(|r| Self(Arc::new(r))).map_err(one_line)
    }

    /// True when the text matches.
    ///
    /// # Errors
    /// When the match takes too many steps.
    pub fn matches(&self, text: &str) -> Result<bool, String> {
        self.0.is_match(text).map_err(|_| "the pattern takes too many steps on this value".to_owned())
    }
}

/// The pattern with what the engine takes for more in character classes escaped: a bracket inside (`[[]`), `&&`, `~~`,
/// and a hyphen behind a class such as `\w` (`[\w-.]`), which are plain characters to the authors of patterns.
fn plain_classes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut class = None;
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let taken = match (&mut class, c) {
            (_, '\\') => c.len_utf8() + rest.chars().nth(1).map_or(0, char::len_utf8),
            (None, '[') => {
                class = Some(Class::default());
                // A bracket that closes right at the start is a character.
                ["[^]", "[]", "[^"].iter().find(|start| rest.starts_with(**start)).map_or(1, |start| start.len())
            }
            (Some(_), ']') => {
                class = None;
                1
            }
            (Some(_), '[') => posix(rest),
            _ => c.len_utf8(),
        };
        let (token, after) = rest.split_at_checked(taken).unwrap_or((rest, ""));
        if let Some(class) = &mut class {
            let double = matches!(token, "&" | "~") && after.starts_with(token);
            if token == "[" && class.begun || double || (token == "-" && class.behind_set && !after.starts_with(']')) {
                out.push('\\');
            }
            class.begun = true;
            class.behind_set = matches!(token, r"\w" | r"\W" | r"\d" | r"\D" | r"\s" | r"\S");
        }
        out.push_str(token);
        rest = after;
    }
    out
}

/// Where a character class stands.
#[derive(Default)]
struct Class {
    /// True behind its opening bracket.
    begun: bool,
    /// True behind `\w` and the like.
    behind_set: bool,
}

/// Bytes of `[:alpha:]`, or of the bracket that is no such thing.
fn posix(text: &str) -> usize {
    let name = text.strip_prefix("[:").and_then(|rest| rest.split_once(":]"));
    let name = name.map(|(name, _)| name).filter(|name| name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'^'));
    name.map_or(1, |name| name.len() + "[::]".len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> Result<bool, String> {
        Pattern::parse(pattern, &Limits::default()).unwrap_or_else(|e| panic!("{pattern}: {e}")).matches(text)
    }

    #[test]
    fn patterns_are_anchored_at_the_start_only() {
        let cases = [
            ("vsw-[A-Za-z0-9]*", "vsw-1", true),
            ("vsw-[A-Za-z0-9]*", "vsw-1 and more", true),
            ("vsw-[A-Za-z0-9]*", "a vsw-1", false),
            ("[a-z]+$", "abc", true),
            ("[a-z]+$", "1abc", false),
            ("a|b", "b", true),
            ("a|b", "cb", false),
            (r"^(?!acs).*", "xacs", true),
            (r"^(?!acs).*", "acs-1", false),
            (r"(?<!x)[0-9]+(?=;)", "12;", true),
            (r"^\{\{oos-secret:.*$", "{{oos-secret:Pw}}", true),
            (r"(a)\1", "aa", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), Ok(expected), "{pattern} {text}");
        }
        assert!(Pattern::parse("(", &Limits::default()).is_err());
    }

    #[test]
    fn characters_are_plain_where_authors_mean_them_so() {
        let cases = [
            ("^{{oos-secret:.*}}$", "{{oos-secret:x}}", "x"),
            ("[[]x", "[x", "x"),
            ("[]a]+$", "]a", "["),
            ("[^]]", "a", "]"),
            ("[^[]", "a", "["),
            (r"[\w-.]+$", "a-.", "+"),
            (r"[\w-]+$", "a-", "."),
            (r"[a-z&&b]+$", "a&b", "1"),
            (r"[^\[\]&~]+$", "a", "~"),
            ("[[:alpha:]]$", "a", ":"),
            ("[a[:digit:][]+$", "a1[", ":"),
            (r"\[[0-9]+\]$", "[1]", "1"),
            (r"[\\[]$", r"\", "]"),
            ("[a-z]{,3}b", "aab", "B"),
            (r"[\u4e00-\u9fa5-]+$", "你-", "a"),
        ];
        for (pattern, yes, no) in cases {
            assert_eq!((matches(pattern, yes), matches(pattern, no)), (Ok(true), Ok(false)), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_backtracks_without_end_is_stopped() {
        assert!(matches(r"(?:(?=a)a|a)*(?:a|aa)+$(?<=b)", &("a".repeat(60) + "c")).is_err());
    }
}
