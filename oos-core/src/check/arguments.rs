//! What is given under names against what is declared: properties of an action, parameters of a template.

use super::types::misfit;
use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics, Severity, nearest},
    plan::escape,
    ports::action::{ActionClass, Property},
    source::{Key, Node, Span},
};

/// One call, and how its faults are reported.
#[derive(Debug)]
pub(super) struct Arguments<'a> {
    /// What takes the arguments, for messages.
    pub(super) owner: &'a str,
    /// What an argument is called: `property` or `parameter`.
    pub(super) noun: &'static str,
    /// What is declared.
    pub(super) declared: &'a [Property],
    /// The class of what takes them.
    pub(super) class: ActionClass,
    /// True when other names are fine.
    pub(super) open: bool,
    /// The code of a missing argument; an error.
    pub(super) missing: Code,
    /// Code and severity of an unknown name.
    pub(super) unknown: (Code, Severity),
    /// Where a missing argument is reported.
    pub(super) place: Option<Span>,
    /// The pointer of the map.
    pub(super) pointer: String,
}

impl Arguments<'_> {
    /// Reports what is missing, unknown, spelled otherwise, or of a wrong type.
    pub(super) fn check(&self, given: &[(Key, Node)], found: &mut Diagnostics) {
        self.missing(given, Severity::Error, found);
        for (key, node) in given {
            let pointer = format!("{}/{}", self.pointer, escape(&key.text));
            match self.property(&key.text) {
                Some(property) => {
                    self.spelling(key, property, &pointer, found);
                    misfit(node, property, self.class, &pointer).into_iter().for_each(|finding| found.push(finding));
                }
                None if self.open => {}
                None => found.push(self.unknown(key, pointer)),
            }
        }
    }

    /// Reports required arguments that are not given; null means "not given".
    pub(super) fn missing(&self, given: &[(Key, Node)], severity: Severity, found: &mut Diagnostics) {
        let is_given =
            |name: &str| given.iter().any(|(key, node)| key.text.eq_ignore_ascii_case(name) && !node.is_null());
        for property in self.declared.iter().filter(|p| p.required && !is_given(&p.name)) {
            let message = format!("`{}` needs the {} `{}`", self.owner, self.noun, property.name);
            let finding = Diagnostic::error(self.missing, message, self.place, self.pointer.clone());
            let description = &*property.description;
            let help = (!description.is_empty()).then(|| format!("`{}`: {description}", property.name));
            found.push(Diagnostic { severity, help, ..finding });
        }
    }

    fn property(&self, name: &str) -> Option<&Property> {
        let exact = self.declared.iter().find(|p| &*p.name == name);
        exact.or_else(|| self.declared.iter().find(|p| p.name.eq_ignore_ascii_case(name)))
    }

    fn spelling(&self, key: &Key, property: &Property, pointer: &str, found: &mut Diagnostics) {
        if *key.text != *property.name {
            let message = format!("{} `{}` matches only when case is ignored", self.noun, key.text);
            let finding = Diagnostic::warning(Code::REFERENCE_CASE, message, key.span, pointer);
            found.push(finding.help(format!("it is spelled `{}`", property.name)));
        }
    }

    fn unknown(&self, key: &Key, pointer: String) -> Diagnostic {
        let (code, severity) = self.unknown;
        let message = format!("`{}` has no {} `{}`", self.owner, self.noun, key.text);
        let help = match nearest(&key.text, self.declared.iter().map(|p| &*p.name)) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None => self.listed(),
        };
        Diagnostic { severity, help, ..Diagnostic::error(code, message, key.span, pointer) }
    }

    /// All names, when they are few enough to read.
    fn listed(&self) -> Option<String> {
        /// CHOICE: names in one line.
        const MOST: usize = 8;
        let names: Vec<String> = self.declared.iter().map(|p| format!("`{}`", p.name)).collect();
        match names.len() {
            0 => Some("it takes none".to_owned()),
            1..=MOST => Some(format!("it takes {}", names.join(", "))),
            _ => None,
        }
    }
}
