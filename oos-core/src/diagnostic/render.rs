//! Findings as text with the source line and carets.
use super::Diagnostics;

impl Diagnostics {
    /// All findings as text.
    pub fn render(&self) -> String {
        self.list.iter().map(|d| format!("{}\n", d.message)).collect()
    }
}
