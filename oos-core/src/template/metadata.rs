//! `Description` of a template: text, or a map by language.

use crate::source::Node;

/// Readings of a `Description` node.
#[derive(Clone, Copy, Debug)]
pub struct Description<'a>(pub &'a Node);

impl<'a> Description<'a> {
    /// The text in `language` (`en`, `zh-cn`), or the text when there is only one.
    pub fn text(self, language: &str) -> Option<&'a str> {
        self.0.as_str().or_else(|| self.0.get(language).and_then(Node::as_str))
    }

    /// `categories`.
    pub fn categories(self) -> Vec<&'a str> {
        let list = self.0.get("categories").and_then(Node::as_list).unwrap_or_default();
        list.iter().filter_map(Node::as_str).collect()
    }
}
