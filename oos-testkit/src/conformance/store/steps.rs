//! Two actions for the engine's part of the contract: one that works and tells, one that asks and waits.

use std::{
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use oos_core::{
    ActionName, Value, outputs,
    ports::{
        Action, ActionContext, ActionError, ActionErrorKind, ControlAction, ControlContext, ControlEvent, Decision,
        Outcome,
        action::{ActionClass, Signature},
        control::{ControlError, Purpose, Wait, WaitingFor},
    },
};

/// What happened to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Began { repeat: bool },
    Done,
    Cancelled,
}

/// One line of the log: which value, under which token, what.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) value: Arc<str>,
    pub(super) token: Arc<str>,
    pub(super) what: What,
}

/// `Conformance::Note`: takes `seconds` of the engine's time, gives back `value`, and writes down what happens to it.
/// A clone writes into the same log.
#[derive(Clone, Debug, Default)]
pub(super) struct Note(Arc<Mutex<Vec<Noted>>>);

impl Note {
    fn lock(&self) -> MutexGuard<'_, Vec<Noted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn log(&self) -> Vec<Noted> {
        self.lock().clone()
    }

    fn note(&self, ctx: &ActionContext, what: What) {
        let value = ctx.raw_properties().at(&["value"]).to_text();
        self.lock().push(Noted { value, token: ctx.idempotency_token().into(), what });
    }

    /// How many attempts began, how often one began again under its token, and how many of those were not told so.
    pub(super) fn begun(&self) -> (usize, usize, usize) {
        let (mut seen, mut begun, mut again, mut untold) = (std::collections::BTreeSet::new(), 0, 0, 0);
        for noted in self.log() {
            let What::Began { repeat } = noted.what else { continue };
            begun += 1;
            if !seen.insert(noted.token) {
                again += 1;
                untold += usize::from(!repeat);
            }
        }
        (begun, again, untold)
    }

    /// The most attempts that were under way at once, of a process that did not crash.
    pub(super) fn most_at_once(&self) -> usize {
        let (mut now, mut most) = (0_usize, 0);
        for noted in self.log() {
            match noted.what {
                What::Began { .. } => now += 1,
                What::Done | What::Cancelled => now = now.saturating_sub(1),
            }
            most = most.max(now);
        }
        most
    }
}

static NOTE: LazyLock<ActionName> = LazyLock::new(|| ActionName::new("Conformance::Note"));

#[async_trait]
impl Action for Note {
    fn name(&self) -> &ActionName {
        &NOTE
    }

    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
        self.note(&ctx, What::Began { repeat: ctx.is_repeat() });
        let seconds = ctx.raw_properties().at(&["seconds"]).as_i64().and_then(|s| u64::try_from(s).ok());
        let until = ctx.now() + Duration::from_secs(seconds.unwrap_or(0));
        ctx.ports().clock.sleep_until(until).await;
        self.note(&ctx, What::Done);
        Ok(outputs! { "value" => ctx.raw_properties().at(&["value"]).clone() })
    }

    async fn cancel(&self, ctx: ActionContext) -> Result<(), ActionError> {
        self.note(&ctx, What::Cancelled);
        Ok(())
    }
}

/// How long `Conformance::Ask` waits for an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// `Conformance::Ask`: done when somebody approves, failed after [`PATIENCE`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask;

static ASK: LazyLock<ActionName> = LazyLock::new(|| ActionName::new("Conformance::Ask"));

impl ControlAction for Ask {
    fn name(&self) -> &ActionName {
        &ASK
    }

    fn signature(&self) -> Signature {
        Signature { class: ActionClass::Control, loops: false, ..Signature::open(ASK.clone()) }
    }

    fn decide(&self, ctx: &ControlContext<'_>, event: &ControlEvent) -> Result<Decision, ControlError> {
        Ok(match event {
            ControlEvent::Signalled(vote) if vote.approve => Decision::Done(Value::empty_map()),
            ControlEvent::Signalled(_) => Decision::Cancel,
            ControlEvent::Woke { purpose: Purpose::TimeOut, .. } => {
                Decision::Fail(ActionError::new(ActionErrorKind::TimedOut, "NobodyAnswered", "nobody answered in time"))
            }
            _ => Decision::Wait(Wait {
                timers: vec![(Purpose::TimeOut, ctx.entered + PATIENCE)],
                waiting_for: Some(WaitingFor::Approval),
                ..Wait::default()
            }),
        })
    }
}
