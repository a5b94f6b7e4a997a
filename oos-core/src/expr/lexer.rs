//! Finds references inside text.
