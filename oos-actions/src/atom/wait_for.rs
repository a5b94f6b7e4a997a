//! `ACS::WaitFor`: calls an API until a value of its answer is acceptable (page "ACS::WaitFor").

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

static NAME: StaticName = StaticName::new(|| ActionName::new("ACS::WaitFor"));

/// Retries of a wait that says nothing (page "ACS::WaitFor"); the machine holds the intervals.
pub const WAIT_FOR_RETRIES: u32 = 10;

/// `ACS::WaitFor`. A repeat after a crash is one more round, as every round is.
#[derive(Clone, Debug, Default)]
pub struct WaitFor {
    selectors: SelectorCache,
}

#[async_trait]
impl Action for WaitFor {
    fn name(&self) -> &ActionName {
        &NAME
    }

    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
        poll::round(Kind::WaitFor, &self.selectors, &ctx).await
    }

    fn signature(&self) -> Signature {
        let call = request::signature(&NAME, WAIT_FOR_RETRIES, "calls an API until a value is as desired");
        failure::list(poll::with_properties(call), &[poll::WAIT_FOR_TIMEOUT, poll::WAIT_FOR_STOPPED])
    }
}
