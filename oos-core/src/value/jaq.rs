//! jaq's value traits on [`Value`](super::Value), so that selectors run on the engine's values without conversion.
