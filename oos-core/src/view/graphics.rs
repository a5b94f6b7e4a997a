//! Colours of the drawings.

use crate::machine::TaskStatus;

/// The colours of a status on light and on dark ground.
#[derive(Clone, Copy, Debug)]
pub(super) struct Colours {
    pub(super) status: TaskStatus,
    pub(super) fill: &'static str,
    pub(super) stroke: &'static str,
    pub(super) text: &'static str,
    pub(super) dark_fill: &'static str,
    pub(super) dark_stroke: &'static str,
    pub(super) dark_text: &'static str,
}

/// CHOICE: light fills with dark text, and the other way round; contrast of at least 7 to 1 both ways.
pub(super) const PALETTE: [Colours; 6] = [
    colour(TaskStatus::Running, ["#dbeafe", "#2563eb", "#172554", "#1e3a8a", "#60a5fa", "#eff6ff"]),
    colour(TaskStatus::Waiting, ["#fef3c7", "#d97706", "#451a03", "#78350f", "#fbbf24", "#fffbeb"]),
    colour(TaskStatus::Success, ["#dcfce7", "#16a34a", "#052e16", "#14532d", "#4ade80", "#f0fdf4"]),
    colour(TaskStatus::Failed, ["#fee2e2", "#dc2626", "#450a0a", "#7f1d1d", "#f87171", "#fef2f2"]),
    colour(TaskStatus::Cancelled, ["#f3e8ff", "#9333ea", "#3b0764", "#581c87", "#c084fc", "#faf5ff"]),
    colour(TaskStatus::Skipped, ["#f3f4f6", "#9ca3af", "#374151", "#374151", "#9ca3af", "#f3f4f6"]),
];

const fn colour(status: TaskStatus, of: [&'static str; 6]) -> Colours {
    let [fill, stroke, text, dark_fill, dark_stroke, dark_text] = of;
    Colours { status, fill, stroke, text, dark_fill, dark_stroke, dark_text }
}

/// The colours of a status; `None` for Pending, which looks like a node without outcome.
pub(super) fn colours(status: TaskStatus) -> Option<&'static Colours> {
    PALETTE.iter().find(|c| c.status == status)
}

/// The class of a status in Mermaid and SVG.
pub(super) fn class(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Pending => "pending",
        TaskStatus::Running => "running",
        TaskStatus::Waiting => "waiting",
        TaskStatus::Success => "success",
        TaskStatus::Failed => "failed",
        TaskStatus::Cancelled => "cancelled",
        TaskStatus::Skipped => "skipped",
    }
}
