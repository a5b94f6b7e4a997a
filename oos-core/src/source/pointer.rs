//! Keys as parts of JSON pointers (RFC 6901).

use std::borrow::Cow;

/// A key as a part of a JSON pointer.
pub(crate) fn escape(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) { key.replace('~', "~0").replace('/', "~1").into() } else { key.into() }
}

/// Adds a key to a JSON pointer.
pub(crate) fn push_key(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&escape(key));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_and_tildes_are_escaped() {
        let mut pointer = "/Parameters".to_owned();
        push_key(&mut pointer, "a/b~c");
        assert_eq!(pointer, "/Parameters/a~1b~0c");
    }
}
