//! Names of the previous SDK generation, compiled to paths on the wire.
//!
//! The notation of the data file is short: `ResourceId.#` (one number per item), `SystemDisk.Category` (a rename),
//! `body:Tags=` (JSON text in the form body). The members of a list of maps are not kept: their names are the same on
//! both sides.

use std::sync::Arc;

use super::operation::Place;

/// A step into nested parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seg {
    /// Member of a map.
    Name(Arc<str>),
    /// Item of a list, from 1.
    Index(usize),
    /// Every item of a list.
    Each,
}

/// Where an alias leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Place, when it is not that of the parameter.
    pub(crate) place: Option<Place>,
    /// Path; never empty, begins with a name.
    pub(crate) path: Vec<Seg>,
    /// True when the value is sent as JSON text.
    pub(crate) json: bool,
}

/// Highest index of a dotted name that is understood as a list.
// CHOICE: far above any list of an API; keeps `Tag.4000000000.Key` from reserving memory.
pub(crate) const MAX_INDEX: usize = 1000;

impl Target {
    /// Reads the notation of the data file.
    pub(crate) fn parse(text: &str) -> Self {
        let (place, rest) = match text.split_once(':') {
            Some(("body", rest)) => (Some(Place::FormBody), rest),
            Some(("header", rest)) => (Some(Place::Header), rest),
            Some(("path", rest)) => (Some(Place::Path), rest),
            _ => (None, text),
        };
        let (path, json) = rest.strip_suffix('=').map_or((rest, false), |path| (path, true));
        let path = if json { vec![Seg::Name(path.into())] } else { path.split('.').map(seg).collect() };
        Self { place, path, json }
    }
}

fn seg(text: &str) -> Seg {
    if text == "#" { Seg::Each } else { index(text).map_or_else(|| Seg::Name(text.into()), Seg::Index) }
}

/// The list index that `text` is: digits, from 1, not too large.
pub(crate) fn index(text: &str) -> Option<usize> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && (1..=MAX_INDEX).contains(n))
}

/// The path that a dotted name spells, `None` when it is not one.
pub(crate) fn dotted(name: &str) -> Option<Vec<Seg>> {
    let bad = |s: &str| s.is_empty() || (index(s).is_none() && s.bytes().all(|b| b.is_ascii_digit()));
    if name.split('.').any(bad) || name.split('.').next().and_then(index).is_some() {
        return None;
    }
    Some(name.split('.').map(|s| index(s).map_or_else(|| Seg::Name(s.into()), Seg::Index)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notation_is_read() {
        let target = Target::parse("body:Tag.#.Key");
        assert_eq!(target.place, Some(Place::FormBody));
        assert_eq!(target.path, [Seg::Name("Tag".into()), Seg::Each, Seg::Name("Key".into())]);
        assert!(Target::parse("Tags=").json);
        assert_eq!(Target::parse("Filter.2.Key").path[1], Seg::Index(2));
    }

    #[test]
    fn odd_dotted_names_are_not_paths() {
        for name in ["Tag..Key", "Tag.0.Key", "Tag.99999999999999999999.Key", ".Tag", "1.Tag"] {
            assert_eq!(dotted(name), None, "{name}");
        }
        assert_eq!(dotted("Tag.1.Key").map(|p| p.len()), Some(3));
    }
}
