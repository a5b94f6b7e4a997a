//! The text of a selector: what kind it is, and the leading dot that authors omit (template-language 7.1).

use std::borrow::Cow;

/// Words that start a program; a text that starts with one is taken verbatim.
const PROGRAM_WORDS: [&str; 6] = ["if", "reduce", "foreach", "try", "def", "not"];

/// A selector text by kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text<'a> {
    /// JSONPath, from `$`.
    JsonPath(&'a str),
    /// jq, with its leading dot.
    Jq(Cow<'a, str>),
}

/// The kind of a selector.
pub(super) fn classify(text: &str) -> Text<'_> {
    let text = text.trim();
    if text.starts_with('$') {
        Text::JsonPath(text)
    } else if is_verbatim(text) {
        Text::Jq(Cow::Borrowed(text))
    } else {
        Text::Jq(Cow::Owned(format!(".{text}")))
    }
}

fn is_verbatim(text: &str) -> bool {
    if text.starts_with(['.', '[', '{', '(', '"', '@', '-']) || text.starts_with(|c: char| c.is_ascii_digit()) {
        return true;
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    // A call: only names may be directly followed by a parenthesis.
    (!word.is_empty() && after.starts_with('(')) || PROGRAM_WORDS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jq(text: &str) -> String {
        match classify(text) {
            Text::Jq(text) => text.into_owned(),
            Text::JsonPath(text) => panic!("{text} is JSONPath"),
        }
    }

    #[test]
    fn supplies_the_dot_that_authors_omit() {
        assert_eq!(jq("Instances.Instance[].InstanceId"), ".Instances.Instance[].InstanceId");
        assert_eq!(jq(" Status "), ".Status");
        assert_eq!(jq(""), ".");
    }

    #[test]
    fn takes_programs_verbatim() {
        for text in
            [".a", "[.a]", "{a}", "(.a)", "\"x\"", "@json", "-1", "7", "map(.a)", "if . then 1 else 2 end", "not"]
        {
            assert_eq!(jq(text), text);
        }
        assert_eq!(jq("iffy"), ".iffy");
        assert_eq!(jq("notes.a"), ".notes.a");
    }

    #[test]
    fn a_dollar_starts_jsonpath() {
        assert_eq!(classify(" $.a[*] "), Text::JsonPath("$.a[*]"));
    }
}
