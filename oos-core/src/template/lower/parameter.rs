//! `Parameters`.

use super::{
    Lowering,
    read::{Fields, Place},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    template::{Parameter, keys},
};

impl Lowering<'_> {
    pub(super) fn parameters(&mut self, fields: &Fields<'_>) -> Vec<Parameter> {
        let section = self.section(fields, "Parameters");
        if section.len() > self.limits.parameters {
            let message =
                format!("the template has {} parameters, the limit is {}", section.len(), self.limits.parameters);
            let span = section.get(self.limits.parameters).and_then(Place::key_span);
            self.found.push(Diagnostic::error(Code::LIMIT_PARAMETERS, message, span, "/Parameters"));
        }
        section.iter().filter_map(|place| self.parameter(place)).collect()
    }

    fn parameter(&mut self, place: &Place<'_>) -> Option<Parameter> {
        let name = place.name();
        self.name(name.value.as_str(), "parameter", Code::PARAMETER_NAME, place);
        let fields = self.entry(place, &keys::PARAMETER, Code::NOT_A_MAP)?;
        let members = place.node.as_map().unwrap_or_default().iter();
        let console = members.filter(|(key, _)| keys::CONSOLE.contains(&&*key.text)).cloned().collect();
        Some(Parameter {
            span: place.node.span,
            name,
            value_type: self.value_type(&fields, Code::PARAMETER_TYPE),
            default: fields.node("Default"),
            allowed_values: fields.node("AllowedValues"),
            allowed_pattern: fields.node("AllowedPattern"),
            min_length: fields.node("MinLength"),
            max_length: fields.node("MaxLength"),
            min_value: fields.node("MinValue"),
            max_value: fields.node("MaxValue"),
            no_echo: fields.node("NoEcho"),
            constraint_description: fields.node("ConstraintDescription"),
            console,
            unknown: fields.unknown,
        })
    }
}
