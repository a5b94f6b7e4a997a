//! Placeholder head; the modules follow.
