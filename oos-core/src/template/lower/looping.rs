//! `Loop` of a task.

use super::{
    Lowering,
    read::{Fields, Place},
};
use crate::{
    diagnostic::Code,
    template::{Aggregate, Loop, RateControl, RateControlMap, keys},
};

impl Lowering<'_> {
    pub(super) fn looping(&mut self, fields: &Fields<'_>) -> Option<Loop> {
        let place = fields.given("Loop")?;
        let fields = self.fields(place.node, &keys::LOOP, place);
        let outputs = self.section(&fields, "Outputs");
        Some(Loop {
            span: place.node.span,
            items: fields.node("Items"),
            rate_control: fields.node("RateControl").map(RateControl),
            old_form: RateControlMap {
                mode: fields.node("Mode"),
                concurrency: fields.node("Concurrency"),
                max_errors: fields.node("MaxErrors"),
                batch_pause_option: fields.node("BatchPauseOption"),
            },
            outputs: outputs.iter().filter_map(|place| self.aggregate(place)).collect(),
            unknown: fields.unknown,
        })
    }

    fn aggregate(&mut self, place: &Place<'_>) -> Option<Aggregate> {
        let name = place.name();
        self.name(name.value.as_str(), "output", Code::AGGREGATE, place);
        let fields = self.entry(place, &keys::AGGREGATE, Code::AGGREGATE)?;
        self.needs(&fields, place, &keys::AGGREGATE, "AggregateType");
        self.needs(&fields, place, &keys::AGGREGATE, "AggregateField");
        Some(Aggregate {
            name,
            aggregate_type: fields.text("AggregateType")?,
            field: fields.text("AggregateField")?,
            unknown: fields.unknown,
        })
    }
}
