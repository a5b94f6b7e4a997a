//! `ACS::Approve`: tells people, then holds the run until enough of them agree or one refuses (page "ACS::Approve").
//!
//! The decision is a fold over the votes so far; who is allowed to vote at all the machine checks by `Wait::voters`,
//! and the fold ignores strangers once more, so a replay of old votes cannot pass an approval.

use std::{collections::BTreeMap, time::Duration};

use oos_core::{
    ActionName, Value, params,
    ports::{
        ActionError, ActionErrorKind, ControlAction, ControlContext, ControlEvent, Decision,
        action::{ActionClass, Property, ResultMember, Signature},
        control::{ControlError, Purpose, Vote, Wait, WaitingFor},
    },
    template::ValueType,
};

use crate::{
    failure::{self, Failure},
    notify,
    properties::{Properties, wrong},
    signature,
};

static NAME: signature::StaticName = signature::StaticName::new(|| ActionName::new("ACS::Approve"));

const NOBODY_DECIDED: Failure =
    Failure::new(ActionErrorKind::TimedOut, "ApprovalTimeout", "nobody decided in time, if the host sets a time");

/// CHOICE: how many must agree when the template does not say (actions.md 12).
pub const DEFAULT_REQUIRED_APPROVALS: i64 = 1;

/// What the product leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApproveOptions {
    /// Fails the task with `ApprovalTimeout` after this time; never without it.
    pub time_out: Option<Duration>,
    /// Waits for votes even when the message could not be sent.
    pub wait_without_notification: bool,
}

/// `ACS::Approve`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Approve {
    options: ApproveOptions,
}

impl Approve {
    /// An approval with options.
    pub fn new(options: ApproveOptions) -> Self {
        Self { options }
    }

    fn wait(&self, ctx: &ControlContext<'_>, rules: Rules) -> Decision {
        let timers = self.options.time_out.map(|limit| (Purpose::TimeOut, ctx.entered + limit)).into_iter().collect();
        Decision::Wait(Wait { timers, waiting_for: Some(WaitingFor::Approval), voters: rules.approvers, rule: None })
    }
}

impl ControlAction for Approve {
    fn name(&self) -> &ActionName {
        &NAME
    }

    fn signature(&self) -> Signature {
        let mut properties = notify::message_properties(notify::LinkDefault::Append);
        properties.push(Property::optional("Approvers", &[ValueType::List], "RAM user names; anybody when empty"));
        properties.push(
            Property::optional("MinRequiredApprovals", &[ValueType::Number], "how many must agree")
                .default(DEFAULT_REQUIRED_APPROVALS),
        );
        let signature = signature::closed(&NAME, ActionClass::Control, "waits for the approval of people", properties)
            .gives([
                ResultMember::new("Approvers", &[ValueType::List], "who agreed"),
                signature::text("NotifyNote", "what they noted"),
            ]);
        failure::list(signature, &[notify::FAILED, NOBODY_DECIDED])
    }

    fn decide(&self, ctx: &ControlContext<'_>, event: &ControlEvent) -> Result<Decision, ControlError> {
        let rules = Rules::of(ctx.properties)?;
        Ok(match event {
            ControlEvent::Entered => Decision::Notify(notify::question(ctx.properties)),
            ControlEvent::Notified(Err(error)) if !self.options.wait_without_notification => {
                Decision::Fail(notify::failed(error))
            }
            ControlEvent::Woke { purpose: Purpose::TimeOut, .. } => {
                Decision::Fail(NOBODY_DECIDED.error("nobody decided in time"))
            }
            _ => match rules.count(ctx.history) {
                Count::Refused => Decision::Cancel,
                Count::Agreed(document) => Decision::Done(document),
                Count::Open => self.wait(ctx, rules),
            },
        })
    }
}

struct Rules {
    approvers: Vec<String>,
    required: usize,
}

enum Count {
    Open,
    Agreed(Value),
    Refused,
}

impl Rules {
    fn of(properties: &Value) -> Result<Self, ActionError> {
        let properties = Properties(properties);
        properties.required_text("NotifyType")?;
        let mut approvers = Vec::new();
        for name in properties.texts("Approvers")? {
            // A name that stands twice is one person, who has one vote.
            if !name.is_empty() && !approvers.contains(&name) {
                approvers.push(name);
            }
        }
        let required = properties.integer("MinRequiredApprovals")?.unwrap_or(DEFAULT_REQUIRED_APPROVALS);
        let required = usize::try_from(required)
            .ok()
            .filter(|n| *n > 0)
            .ok_or_else(|| wrong("MinRequiredApprovals", "at least 1"))?;
        if !approvers.is_empty() && required > approvers.len() {
            return Err(wrong(
                "MinRequiredApprovals",
                &format!("at most the number of approvers, {}", approvers.len()),
            ));
        }
        Ok(Self { approvers, required })
    }

    fn count(&self, history: &[(oos_core::Timestamp, ControlEvent)]) -> Count {
        let mut agreed = BTreeMap::new();
        let mut order = Vec::new();
        for vote in history.iter().filter_map(|(_, event)| self.vote(event)) {
            if !vote.approve {
                return Count::Refused;
            }
            if agreed.insert(vote.from.as_str(), ()).is_none() {
                order.push(vote);
            }
        }
        if order.len() < self.required { Count::Open } else { Count::Agreed(document(&order)) }
    }

    fn vote<'e>(&self, event: &'e ControlEvent) -> Option<&'e Vote> {
        match event {
            ControlEvent::Signalled(vote) if self.approvers.is_empty() || self.approvers.contains(&vote.from) => {
                Some(vote)
            }
            _ => None,
        }
    }
}

/// CHOICE: the result document; the page names none (actions.md 12).
fn document(votes: &[&Vote]) -> Value {
    let approvers: Value = votes.iter().map(|vote| Value::from(&vote.from)).collect();
    let notes: Vec<_> = votes.iter().filter_map(|vote| vote.note.as_deref()).filter(|n| !n.is_empty()).collect();
    params! { "Approvers" => approvers, "NotifyNote" => notes.join("\n") }
}
