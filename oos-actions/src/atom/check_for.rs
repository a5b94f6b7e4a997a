//! `ACS::CheckFor`: WaitFor's judgement once, as a guard (page "ACS::CheckFor").

use async_trait::async_trait;
use oos_core::{
    ActionName,
    ports::{Action, ActionContext, ActionError, Outcome, action::Signature},
    selector::SelectorCache,
};

use super::{
    poll::{self, Kind},
    request,
};
use crate::{failure, signature::StaticName};

static NAME: StaticName = StaticName::new(|| ActionName::new("ACS::CheckFor"));

/// CHOICE: a check that sets no retries calls once; 56 of 61 official checks set none and mean a guard, yet the
/// service may use WaitFor's 10 (actions.md 6).
pub const CHECK_FOR_RETRIES: u32 = 0;

/// `ACS::CheckFor`. With retry settings it polls like WaitFor.
#[derive(Clone, Debug, Default)]
pub struct CheckFor {
    selectors: SelectorCache,
}

#[async_trait]
impl Action for CheckFor {
    fn name(&self) -> &ActionName {
        &NAME
    }

    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
        poll::round(Kind::CheckFor, &self.selectors, &ctx).await
    }

    fn signature(&self) -> Signature {
        let call = request::signature(&NAME, CHECK_FOR_RETRIES, "checks that a value of an API is as desired");
        failure::list(poll::with_properties(call), &[poll::CHECK_FOR_FAILED])
    }
}
