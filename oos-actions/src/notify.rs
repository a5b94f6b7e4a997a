//! `ACS::Notify`: sends a message, then goes on (page "ACS::Notify"); also the message of `ACS::Approve`.
//!
//! There are two kinds, WebHook and Mail; chat services are webhooks with other content. The action hands the message
//! to the port `Notifier`; [`DefaultNotifier`] sends it through the ports for HTTP and mail.

mod link;
mod mail;
mod notifier;
mod webhook;

use async_trait::async_trait;
use oos_core::{
    ActionName, Map, Value,
    expr::drop_nulls,
    ports::{
        Action, ActionContext, ActionError, ActionErrorKind, Outcome,
        action::{ActionClass, Property, ResultMember, Signature},
        notify::Message,
    },
    template::ValueType,
};

pub use notifier::{DefaultNotifier, LinkMaker, NotifierOptions};

use crate::{
    failure::{self, Failure},
    properties::{Properties, wrong},
    signature,
};

static NAME: signature::StaticName = signature::StaticName::new(|| ActionName::new("ACS::Notify"));

pub(crate) const FAILED: Failure = Failure::new(
    ActionErrorKind::Service,
    "NotifyFailed",
    "the message could not be sent, or a chat service refused it",
);

/// The code of every message that was not taken.
pub const NOTIFY_FAILED: &str = FAILED.code();

/// The property by which `ACS::Approve` says that its message asks for a decision; it reaches no receiver.
const ASKS: &str = "AsksForDecision";

/// What `AppendExecutionLink` is when a template does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkDefault {
    Append,
    Leave,
}

/// `ACS::Notify`. After a crash the message may be sent again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Notify;

#[async_trait]
impl Action for Notify {
    fn name(&self) -> &ActionName {
        &NAME
    }

    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
        let mut properties = drop_nulls(ctx.raw_properties().clone()).as_map().cloned().unwrap_or_default();
        let asks = properties.remove(ASKS).is_some_and(|asks| asks == Value::Bool(true));
        let properties = Value::from(properties);
        check_kind(&properties)?;
        unknown_keys(&properties).into_iter().for_each(|warning| ctx.emit(warning));
        let info = ctx.info();
        let message = Message {
            execution: info.execution.clone(),
            task: info.key.task.clone(),
            properties,
            asks,
            at: info.started,
        };
        ctx.ports().notifier.send(&message).await.map(Outcome::Done)
    }

    fn signature(&self) -> Signature {
        let properties = message_properties(LinkDefault::Leave);
        let description = "sends a message to a webhook or by mail";
        let signature = signature::closed(&NAME, ActionClass::Control, description, properties).gives([
            ResultMember::new("StatusCode", &[ValueType::Number], "HTTP status of a webhook's answer"),
            ResultMember::new("Body", &[ValueType::Json, ValueType::String], "body of a webhook's answer"),
        ]);
        failure::list(signature, &[FAILED])
    }
}

/// The properties that a message has in both actions.
pub(crate) fn message_properties(link: LinkDefault) -> Vec<Property> {
    let json = &[ValueType::Json];
    let append = link == LinkDefault::Append;
    vec![
        Property::required("NotifyType", &[ValueType::String], "how to tell").allowed(["WebHook", "Mail"]),
        Property::optional("WebHook", json, "URI, Headers and Content; needed with WebHook"),
        Property::optional("Mail", json, "Host, Port, UserName, Password, From, To, Cc, Subject, Content (unverified)"),
        Property::optional("AppendExecutionLink", &[ValueType::Boolean], "adds a link to the execution")
            .default(append),
    ]
}

/// The properties of a message that asks for a decision.
pub(crate) fn question(properties: &Value) -> Value {
    let mut properties = properties.as_map().cloned().unwrap_or_default();
    let absent = |map: &Map, key: &str| map.get_folded(key).is_none_or(|(_, value)| value.is_null());
    if absent(&properties, "AppendExecutionLink") {
        properties.insert("AppendExecutionLink", true);
    }
    properties.insert(ASKS, true);
    properties.into()
}

/// The error of a task whose message was not taken.
pub(crate) fn failed(error: &ActionError) -> ActionError {
    if &*error.code == NOTIFY_FAILED {
        return error.clone();
    }
    ActionError { code: NOTIFY_FAILED.into(), message: error.to_string().into(), ..error.clone() }
}

/// The two kinds, spelled in any case.
fn check_kind(properties: &Value) -> Result<(), ActionError> {
    let kind = Properties(properties).required_text("NotifyType")?;
    let known = ["WebHook", "Mail"].iter().any(|k| k.eq_ignore_ascii_case(&kind));
    if known { Ok(()) } else { Err(wrong("NotifyType", "WebHook or Mail")) }
}

/// Keys that nobody reads; one official template puts `at` beside `Content`.
fn unknown_keys(properties: &Value) -> Vec<String> {
    let within = |property: &str, known: &[&str]| {
        let map = Properties(properties).map(property).ok().flatten().unwrap_or_default();
        let unknown = map.keys().filter(|key| !known.iter().any(|k| k.eq_ignore_ascii_case(key)));
        unknown.map(|key| format!("warning: `{property}.{key}` is not known and left out")).collect::<Vec<_>>()
    };
    let mut warnings = within("WebHook", &webhook::KEYS);
    warnings.extend(within("Mail", &mail::KEYS));
    warnings
}
