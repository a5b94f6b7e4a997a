//! An API call that may have been carried out before a crash (durability rule 5).
//!
//! The class comes from the catalogue: a read, a call with the same token, or a call whose effect is the same twice is
//! made again; for a start, stop or attach a read call tells whether it has happened; anything else is never called
//! twice and ends as an unknown outcome, which people or `OnError` decide about.

use oos_core::{
    Limits, Map, Value,
    catalogue::{NormaliseOptions, Normalised, Probe, Repeat, normalise},
    machine::UnknownOutcome,
    ports::{ActionContext, ActionError, ActionErrorKind, ApiErrorKind},
    selector::Selector,
};

use super::{execute_api::failure, request::Call};
use crate::failure::Failure;

pub(super) const UNKNOWN: Failure = Failure::new(
    ActionErrorKind::UnknownOutcome,
    "OutcomeUnknown",
    "no answer came to a write that may not be made twice",
);

/// The code of a write of which nobody knows whether it was carried out.
pub const OUTCOME_UNKNOWN: &str = UNKNOWN.code();

impl Call {
    pub(super) fn normalised(&self) -> Normalised {
        normalise(&self.request, &NormaliseOptions::default())
    }

    /// True when the call only reads.
    pub(super) fn reads(&self) -> bool {
        self.normalised().is_read()
    }
}

/// Does what the class of the call allows; gives the result document.
pub(super) async fn run_again(ctx: &ActionContext, call: &Call) -> Result<Value, ActionError> {
    let normalised = call.normalised();
    match normalised.repeat() {
        Repeat::Read | Repeat::Token => again(ctx, call, false).await,
        Repeat::Natural => again(ctx, call, normalised.operation.as_ref().is_some_and(|o| o.removes())).await,
        Repeat::Probe => {
            let probe = normalised.operation.as_ref().and_then(|operation| operation.probe());
            let probe = probe.ok_or_else(|| never(call))?;
            if is_done(ctx, call, probe, &normalised.params()).await? {
                return Ok(Value::empty_map());
            }
            again(ctx, call, false).await
        }
        Repeat::Never if repeats(ctx) => again(ctx, call, false).await,
        Repeat::Never => Err(never(call)),
    }
}

/// True when the engine was told that twice does no harm.
pub(super) fn repeats(ctx: &ActionContext) -> bool {
    ctx.info().unknown_outcome == UnknownOutcome::Repeat
}

/// Calls; of a call that removes something, "not found" is the wanted state.
async fn again(ctx: &ActionContext, call: &Call, removes: bool) -> Result<Value, ActionError> {
    match call.make(ctx).await {
        Ok(answer) => Ok(answer.body),
        Err(error) if removes && error.kind() == ApiErrorKind::NotFound => Ok(Value::empty_map()),
        Err(error) => Err(failure(call, error)),
    }
}

async fn is_done(ctx: &ActionContext, call: &Call, probe: &Probe, params: &Map) -> Result<bool, ActionError> {
    let answer = ctx.call(probe.request(&call.request, params)).await.map_err(|error| {
        UNKNOWN
            .error(format_args!("{} may have been carried out, and {} failed: {error}", call.request.api, probe.read))
    })?;
    let results = Selector::parse(probe.selector)
        .and_then(|selector| selector.run(&answer.body, &Limits::default()))
        .unwrap_or_default();
    Ok(probe.is_done(&results, params, ctx.info().started))
}

fn never(call: &Call) -> ActionError {
    let api = &call.request.api;
    UNKNOWN.error(format_args!("{api} may have been carried out before a restart and must not be repeated"))
}
