//! `ACS::EventTrigger`: fires for each event of a product that matches (page "ACS::EventTrigger").
//!
//! Delivery is the `TriggerSource`'s part; it finds here what matches. Tags belong to the resource at the time of the
//! event and are not in the message, so the source compares them by [`tags_match`].

use oos_core::{
    ActionName, Value,
    ports::{
        ActionError, ControlAction, ControlContext, ControlEvent, Decision,
        action::{ActionClass, Property, Signature},
        control::{ControlError, Wait, WaitingFor},
        trigger::Rule,
    },
    selector::SelectorCache,
    template::ValueType,
};

use super::{
    fold::{self, Firings, Overlap},
    transform,
};
use crate::{
    atom::judge::loosely_equal,
    failure,
    properties::Properties,
    signature,
    tags::{self, WantedTag},
};

static NAME: signature::StaticName = signature::StaticName::new(|| ActionName::new("ACS::EventTrigger"));

/// `ACS::EventTrigger`.
#[derive(Clone, Debug, Default)]
pub struct EventTrigger {
    overlap: Overlap,
    selectors: SelectorCache,
}

impl EventTrigger {
    /// A trigger that treats events during a firing so.
    pub fn new(overlap: Overlap) -> Self {
        Self { overlap, ..Self::default() }
    }
}

impl ControlAction for EventTrigger {
    fn name(&self) -> &ActionName {
        &NAME
    }

    fn signature(&self) -> Signature {
        let properties = vec![
            Property::required("Product", &[ValueType::String], "product code, e.g. ECS"),
            Property::required("Name", &[ValueType::List], "names of events, e.g. Instance:StateChange"),
            Property::optional("Level", &[ValueType::List], "levels: INFO, WARN, CRITICAL"),
            Property::optional("Content", &[ValueType::Json], "accepted values by name of a member of the content"),
            Property::optional("RegionId", &[ValueType::List, ValueType::String], "regions to listen in"),
            Property::optional("Tags", &[ValueType::List, ValueType::Json], "only resources with these tags"),
            Property::optional("ResourceGroup", &[ValueType::String], "only resources of this group"),
            Property::optional("OutputTransformer", &[ValueType::Json], "result members by selector or literal")
                .default(Value::empty_map()),
        ];
        let description = "starts the tasks behind it for each event";
        let signature = signature::closed(&NAME, ActionClass::Trigger, description, properties)
            .gives([signature::document("the message, or what OutputTransformer makes of it")]);
        failure::list(signature, &transform::FAILURES)
    }

    fn decide(&self, ctx: &ControlContext<'_>, event: &ControlEvent) -> Result<Decision, ControlError> {
        Properties(ctx.properties).required_text("Product")?;
        tags::wanted(Properties(ctx.properties), "Tags")?;
        if Properties(ctx.properties).texts("Name")?.is_empty() {
            return Err(crate::properties::missing("Name").into());
        }
        let source = Source { name: &NAME, waits_for: WaitingFor::Event, overlap: self.overlap };
        Ok(source.decide(&self.selectors, ctx, event)?)
    }
}

/// What events and alarms share: they wait for a rule and fire for each message.
pub(super) struct Source<'a> {
    pub(super) name: &'a ActionName,
    pub(super) waits_for: WaitingFor,
    pub(super) overlap: Overlap,
}

impl Source<'_> {
    pub(super) fn decide(
        &self,
        selectors: &SelectorCache,
        ctx: &ControlContext<'_>,
        event: &ControlEvent,
    ) -> Result<Decision, ActionError> {
        let before = Firings::of(fold::past(ctx), self.overlap);
        let message = match event {
            ControlEvent::Fired(message) if !before.running => Some(message),
            ControlEvent::ChildEnded { .. } => before.queue.front().copied(),
            _ => None,
        };
        match message {
            Some(message) => Ok(fold::fire(transform::document(selectors, ctx.properties, message)?, None)),
            None => Ok(self.wait(ctx, before.running && !matches!(event, ControlEvent::ChildEnded { .. }))),
        }
    }

    /// While a firing runs the execution is not Waiting, yet messages must still come in.
    fn wait(&self, ctx: &ControlContext<'_>, running: bool) -> Decision {
        let rule = Rule { action: self.name.clone(), properties: ctx.properties.clone() };
        let waiting_for = (!running).then_some(self.waits_for);
        Decision::Wait(Wait { rule: Some(rule), waiting_for, ..Wait::default() })
    }
}

/// True when a message matches product, names, levels, regions and content of the properties. Not given means no
/// restriction; tags are [`tags_match`]'s and the resource group is [`wanted_group`]'s business.
pub fn matches(properties: &Value, message: &Value) -> bool {
    let wanted = Properties(properties);
    let one_of = |property: &str, member: &str| {
        let accepted = wanted.texts(property).unwrap_or_default();
        accepted.is_empty() || accepted.iter().any(|a| a.as_str() == &*message.at(&[member]).to_text())
    };
    let product = wanted.text("Product").ok().flatten().unwrap_or_default();
    product.eq_ignore_ascii_case(&message.at(&["product"]).to_text())
        && one_of("Name", "name")
        && one_of("Level", "level")
        && one_of("RegionId", "regionId")
        && content_matches(wanted, message.at(&["content"]))
}

/// Every named member must be there and one of the accepted values; of a list in the message, one member must be.
fn content_matches(wanted: Properties<'_>, content: &Value) -> bool {
    let accepted = wanted.map("Content").ok().flatten().unwrap_or_default();
    accepted.iter().all(|(name, values)| {
        let values = values.as_list().map_or_else(|| vec![values.clone()], <[Value]>::to_vec);
        let is_accepted = |found: &Value| values.iter().any(|value| loosely_equal(value, found));
        match content.get(name) {
            None => false,
            Some(Value::List(found)) => found.iter().any(is_accepted),
            Some(found) => is_accepted(found),
        }
    })
}

/// The resource group that the properties ask for; no message names the group of its resource.
pub fn wanted_group(properties: &Value) -> Option<String> {
    Properties(properties).text("ResourceGroup").ok().flatten()
}

/// The tags that the properties ask for.
pub fn wanted_tags(properties: &Value) -> Vec<WantedTag> {
    tags::wanted(Properties(properties), "Tags").unwrap_or_default()
}

/// True when a resource with these tags has all that the properties ask for.
pub fn tags_match(properties: &Value, resource: &[(String, String)]) -> bool {
    let has = |(key, value): &WantedTag| {
        resource.iter().any(|(k, v)| k == key && value.as_ref().is_none_or(|wanted| v == wanted))
    };
    wanted_tags(properties).iter().all(has)
}
