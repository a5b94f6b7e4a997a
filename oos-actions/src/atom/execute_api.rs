//! `ACS::ExecuteAPI`: one call of one cloud API (page "ACS::ExecuteAPI").
//!
//! Throttling and lost connections are repeated below this action, by the engine's decorator of `ApiCaller`. What a
//! repeat after a crash means is this action's knowledge and stands in `repeat`.

use async_trait::async_trait;
use oos_core::{
    ActionName,
    ports::{Action, ActionContext, ActionError, ActionErrorKind, ApiError, ApiErrorKind, Outcome, action::Signature},
};

use super::{
    repeat::{UNKNOWN, repeats, run_again},
    request::{self, Call},
};
use crate::{failure, signature::StaticName};

static NAME: StaticName = StaticName::new(|| ActionName::new("ACS::ExecuteAPI"));

/// CHOICE: retries of a call that sets none; no page mentions retries of this action (actions.md 20.2).
pub const EXECUTE_API_RETRIES: u32 = 0;

/// `ACS::ExecuteAPI`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExecuteApi;

#[async_trait]
impl Action for ExecuteApi {
    fn name(&self) -> &ActionName {
        &NAME
    }

    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
        let call = Call::of(&ctx)?;
        if ctx.is_repeat() {
            return run_again(&ctx, &call).await.map(Outcome::Done);
        }
        match call.make(&ctx).await {
            Ok(answer) => Ok(Outcome::Done(answer.body)),
            Err(error) if lost(&call, &error) && repeats(&ctx) => run_again(&ctx, &call).await.map(Outcome::Done),
            Err(error) => Err(failure(&call, error)),
        }
    }

    fn signature(&self) -> Signature {
        failure::list(request::signature(&NAME, EXECUTE_API_RETRIES, "calls one cloud API"), &[UNKNOWN])
    }
}

/// True when nobody knows whether a write was carried out.
fn lost(call: &Call, error: &ApiError) -> bool {
    error.kind() == ApiErrorKind::UnknownOutcome && !call.reads()
}

/// The error of a call. CHOICE: a task that asks for retries means every error of the service (actions.md 20.2).
pub(super) fn failure(call: &Call, error: ApiError) -> ActionError {
    let lost = error.kind() == ApiErrorKind::UnknownOutcome;
    let error = ActionError::from(error);
    match error.kind {
        _ if lost && !call.reads() => UNKNOWN.error(format_args!("no answer came to a write: {}", error.message)),
        ActionErrorKind::Service => ActionError { retryable: true, ..error },
        ActionErrorKind::Transport if lost => ActionError { retryable: true, ..error },
        _ => error,
    }
}
