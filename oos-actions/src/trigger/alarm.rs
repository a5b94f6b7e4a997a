//! `ACS::AlarmTrigger`: fires for each alarm of a rule (page "ACS::AlarmTrigger").
//!
//! Nothing is measured here: the `TriggerSource` delivers alarms. It finds here whether a message belongs to a rule,
//! whether a value breaches a threshold, and whether the silence after an alarm still lasts. What the page left open
//! (defaults of Statistics, Times, Period) stands in the signature. Metrics of the monitoring agent never raise an
//! alarm where the agent is not installed.

use std::time::Duration;

use oos_core::{
    ActionName, Timestamp, Value,
    ports::{
        ActionError, ControlAction, ControlContext, ControlEvent, Decision,
        action::{ActionClass, Property, Signature},
        control::{ControlError, WaitingFor},
    },
    selector::SelectorCache,
    template::ValueType,
};

use super::{event::Source, fold::Overlap, transform};
use crate::{
    atom::judge::loosely_equal,
    failure,
    properties::{Properties, wrong},
    signature, tags,
};

static NAME: signature::StaticName = signature::StaticName::new(|| ActionName::new("ACS::AlarmTrigger"));

/// No new alarm of a resource for so long after one, when the template does not say.
pub const DEFAULT_SILENCE: Duration = Duration::from_secs(86_400);

/// The comparisons of the page; the last six compare with an earlier value.
const OPERATORS: [&str; 11] = [
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanOrEqualToThreshold",
    "LessThanThreshold",
    "NotEqualToThreshold",
    "GreaterThanYesterday",
    "LessThanYesterday",
    "GreaterThanLastWeek",
    "LessThanLastWeek",
    "GreaterThanLastPeriod",
    "LessThanLastPeriod",
];

/// `ACS::AlarmTrigger`.
#[derive(Clone, Debug, Default)]
pub struct AlarmTrigger {
    overlap: Overlap,
    selectors: SelectorCache,
}

impl AlarmTrigger {
    /// A trigger that treats alarms during a firing so.
    pub fn new(overlap: Overlap) -> Self {
        Self { overlap, ..Self::default() }
    }
}

impl ControlAction for AlarmTrigger {
    fn name(&self) -> &ActionName {
        &NAME
    }

    fn signature(&self) -> Signature {
        let (text, number) = (&[ValueType::String], &[ValueType::Number]);
        let properties = vec![
            Property::required("Namespace", text, "namespace of the metric, e.g. acs_ecs_dashboard"),
            Property::required("MetricName", text, "name of the metric, e.g. cpu_total"),
            Property::optional("Statistics", text, "Average, Maximum, Minimum").default("Average"),
            Property::required("ComparisonOperator", text, "how the value is compared").allowed(OPERATORS),
            Property::required("Threshold", &[ValueType::String, ValueType::Number], "what it is compared with"),
            Property::optional("Resources", &[ValueType::String, ValueType::List], "JSON text of a list of dimensions"),
            Property::optional("Tags", &[ValueType::List, ValueType::Json], "only resources with these tags"),
            Property::optional("ResourceGroup", text, "only resources of this group; not together with Tags"),
            Property::optional("Times", number, "breaches in a row").default(3),
            Property::optional("Period", number, "aggregation period in seconds").default(60),
            Property::optional("Interval", number, "checking period in seconds").default(60),
            Property::optional("SilenceTime", number, "seconds without a new alarm after one").default(86_400),
            Property::optional("EffectiveInterval", text, "hours of the day, e.g. 00:00-23:59; always without it"),
            Property::optional("OutputTransformer", &[ValueType::Json], "result members by selector or literal")
                .default(Value::empty_map()),
        ];
        let description = "starts the tasks behind it for each alarm";
        let signature = signature::closed(&NAME, ActionClass::Trigger, description, properties)
            .gives([signature::document("the message, or what OutputTransformer makes of it")]);
        failure::list(signature, &transform::FAILURES)
    }

    fn decide(&self, ctx: &ControlContext<'_>, event: &ControlEvent) -> Result<Decision, ControlError> {
        check(Properties(ctx.properties))?;
        let source = Source { name: &NAME, waits_for: WaitingFor::Alarm, overlap: self.overlap };
        Ok(source.decide(&self.selectors, ctx, event)?)
    }
}

/// A rule that could never raise an alarm is refused when the trigger starts.
fn check(rule: Properties<'_>) -> Result<(), ActionError> {
    rule.required_text("Namespace")?;
    rule.required_text("MetricName")?;
    if !OPERATORS.contains(&rule.required_text("ComparisonOperator")?.as_str()) {
        return Err(wrong("ComparisonOperator", &format!("one of {}", OPERATORS.join(", "))));
    }
    rule.required_text("Threshold")?.trim().parse::<f64>().map_err(|_| wrong("Threshold", "a number"))?;
    for name in ["Times", "Period", "Interval", "SilenceTime"] {
        if rule.integer(name)?.is_some_and(|number| number < 0) {
            return Err(wrong(name, "no negative number"));
        }
    }
    // The page: only one of the two.
    if !tags::wanted(rule, "Tags")?.is_empty() && rule.text("ResourceGroup")?.is_some() {
        return Err(wrong("ResourceGroup", "left out with Tags"));
    }
    Ok(())
}

/// True when an alarm message is one of this rule: state ALERT, same metric, and a resource of the list. CHOICE: what
/// the message does not say does not count against it.
pub fn matches(properties: &Value, message: &Value) -> bool {
    let wanted = Properties(properties);
    let same = |property: &str, member: &str| match (wanted.text(property), message.get(member)) {
        (Ok(Some(expected)), Some(found)) => expected.eq_ignore_ascii_case(&found.to_text()),
        _ => true,
    };
    let alerts = message.get("alertState").is_none_or(|state| state.as_str() == Some("ALERT"));
    alerts && same("Namespace", "namespace") && same("MetricName", "metricName") && resource_matches(wanted, message)
}

/// The dimensions of a message stand at its top level; a resource matches when all of its dimensions are equal.
fn resource_matches(wanted: Properties<'_>, message: &Value) -> bool {
    let resources = wanted.list("Resources").ok().flatten().unwrap_or_default();
    let all = |resource: &Value| resource.get("resource").and_then(Value::as_str) == Some("_ALL");
    resources.is_empty()
        || resources.iter().any(|resource| {
            all(resource)
                || resource.as_map().is_some_and(|dimensions| {
                    dimensions.iter().all(|(name, value)| message.get(name).is_some_and(|v| loosely_equal(v, value)))
                })
        })
}

/// True when a value breaches the rule; `earlier` is the value that the comparisons with yesterday, last week or the
/// last period look at, and their threshold is a change in percent.
pub fn breaches(properties: &Value, value: f64, earlier: Option<f64>) -> bool {
    let wanted = Properties(properties);
    let operator = wanted.text("ComparisonOperator").ok().flatten().unwrap_or_default();
    let Some(threshold) = wanted.text("Threshold").ok().flatten().and_then(|t| t.trim().parse::<f64>().ok()) else {
        return false;
    };
    let change = earlier.filter(|e| *e != 0.0).map(|earlier| (value - earlier) / earlier.abs() * 100.0);
    match operator.as_str() {
        "GreaterThanOrEqualToThreshold" => value >= threshold,
        "GreaterThanThreshold" => value > threshold,
        "LessThanOrEqualToThreshold" => value <= threshold,
        "LessThanThreshold" => value < threshold,
        "NotEqualToThreshold" => (value - threshold).abs() > f64::EPSILON,
        "GreaterThanYesterday" | "GreaterThanLastWeek" | "GreaterThanLastPeriod" => {
            change.is_some_and(|c| c > threshold)
        }
        "LessThanYesterday" | "LessThanLastWeek" | "LessThanLastPeriod" => change.is_some_and(|c| -c > threshold),
        _ => false,
    }
}

/// True while no new alarm of a resource may come after the one at `last`.
pub fn silenced(properties: &Value, last: Timestamp, now: Timestamp) -> bool {
    let seconds = Properties(properties).integer("SilenceTime").ok().flatten().and_then(|s| u64::try_from(s).ok());
    now.since(last) < seconds.map_or(DEFAULT_SILENCE, Duration::from_secs)
}
