//! Sections: maps of entries under their names, and the list of tasks.

use super::{
    Lowering, name_fault,
    read::{Fields, Place, described},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    template::keys::Table,
};

impl Lowering<'_> {
    /// The entries of a section, their names unique without case.
    pub(super) fn section<'n>(&mut self, fields: &Fields<'n>, key: &str) -> Vec<Place<'n>> {
        let Some(section) = fields.given(key) else { return Vec::new() };
        let members = section.node.as_map().unwrap_or_default();
        let entries: Vec<_> = members.iter().map(|(name, node)| section.member(name, node)).collect();
        let names =
            members.iter().zip(&entries).map(|((name, _), entry)| (&*name.text, name.span, entry.pointer.clone()));
        let what = match key {
            "Parameters" => "parameters",
            "Conditions" => "conditions",
            _ => "outputs",
        };
        self.duplicates(what, names.collect::<Vec<_>>());
        entries
    }

    /// The members of an entry that must be a map.
    pub(super) fn entry<'n>(&mut self, place: &Place<'n>, table: &Table, code: Code) -> Option<Fields<'n>> {
        if place.node.as_map().is_none() {
            let message = format!("{} must be a map, not {}", table.what, described(place.node));
            self.found.push(Diagnostic::error(code, message, place.span(), place.pointer.clone()));
            return None;
        }
        Some(self.fields(place.node, table, place))
    }

    /// Reports a name that breaks the rule for names.
    pub(super) fn name(&mut self, name: &str, what: &str, code: Code, place: &Place<'_>) {
        if let Some(fault) = name_fault(what, name) {
            self.found.push(Diagnostic::error(code, fault, place.key_span(), place.pointer.clone()));
        }
    }
}
