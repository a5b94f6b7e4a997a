//! `Outputs` of the template and of tasks.

use super::{
    Lowering,
    read::{Fields, Place},
};
use crate::{
    diagnostic::Code,
    template::{Output, TaskOutput, keys},
};

impl Lowering<'_> {
    pub(super) fn outputs(&mut self, fields: &Fields<'_>) -> Vec<Output> {
        let section = self.section(fields, "Outputs");
        section.iter().filter_map(|place| self.output(place)).collect()
    }

    fn output(&mut self, place: &Place<'_>) -> Option<Output> {
        let name = place.name();
        self.name(name.value.as_str(), "output", Code::OUTPUT, place);
        let mut fields = self.entry(place, &keys::OUTPUT, Code::OUTPUT)?;
        if fields.place("Value").is_none() {
            self.needs(&fields, place, &keys::OUTPUT, "Value");
        }
        // `Description` has no place of its own in the model: nothing but a round trip needs it.
        let described = place.node.entry("Description").map(|(key, node)| (key.clone(), node.clone()));
        fields.unknown.extend(described);
        Some(Output {
            name,
            value_type: self.value_type(&fields, Code::OUTPUT_TYPE),
            value: fields.node("Value"),
            unknown: fields.unknown,
        })
    }

    pub(super) fn task_outputs(&mut self, fields: &Fields<'_>) -> Vec<TaskOutput> {
        let section = self.section(fields, "Outputs");
        section.iter().filter_map(|place| self.task_output(place)).collect()
    }

    fn task_output(&mut self, place: &Place<'_>) -> Option<TaskOutput> {
        let name = place.name();
        self.name(name.value.as_str(), "output", Code::OUTPUT, place);
        let fields = self.entry(place, &keys::TASK_OUTPUT, Code::OUTPUT)?;
        self.needs(&fields, place, &keys::TASK_OUTPUT, "ValueSelector");
        Some(TaskOutput {
            name,
            value_type: self.value_type(&fields, Code::OUTPUT_TYPE),
            selector: fields.node("ValueSelector"),
            unknown: fields.unknown,
        })
    }
}
