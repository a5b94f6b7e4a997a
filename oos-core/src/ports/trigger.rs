//! Events and alarms from outside.

use std::{fmt::Debug, sync::Arc};

use futures::future::BoxFuture;

use crate::Value;

/// What a trigger listens for: the evaluated properties of `ACS::EventTrigger` or `ACS::AlarmTrigger`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rule {
    /// `ACS::EventTrigger` or `ACS::AlarmTrigger`.
    pub action: crate::ActionName,
    /// Its properties.
    pub properties: Value,
}

/// Takes messages of a subscription.
pub type Deliver = Arc<dyn Fn(Value) + Send + Sync>;

/// Delivers events and alarms.
///
/// # Implementing
/// Call `deliver` with each message that matches the rule, until `unsubscribe`. Both calls must be idempotent by key:
/// a resumed execution subscribes again.
pub trait TriggerSource: Debug + Send + Sync + 'static {
    /// Starts delivery for `key`.
    fn subscribe(&self, key: &str, rule: &Rule, deliver: Deliver)
    -> BoxFuture<'static, Result<(), super::ActionError>>;
    /// Ends delivery for `key`.
    fn unsubscribe(&self, key: &str);
}
