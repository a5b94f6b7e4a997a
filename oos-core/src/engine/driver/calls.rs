//! Calls of actions, told to observers when they end. They are no part of the record, so they carry no number.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use tracing::Instrument;

use super::spans;
use crate::{
    ExecutionId,
    ids::StepKey,
    ports::{
        ApiCaller, ApiError, ApiRequest, ApiResponse, Clock, EventSink, ExecutionEvent, action::StepInfo,
        event::EventKind,
    },
};

/// The cloud of one step.
pub(super) struct ToldCalls {
    below: Arc<dyn ApiCaller>,
    events: Arc<dyn EventSink>,
    clock: Arc<dyn Clock>,
    execution: ExecutionId,
    key: StepKey,
}

impl ToldCalls {
    pub(super) fn new(
        below: Arc<dyn ApiCaller>,
        events: Arc<dyn EventSink>,
        clock: Arc<dyn Clock>,
        info: &StepInfo,
    ) -> Self {
        Self { below, events, clock, execution: info.execution.clone(), key: info.key.clone() }
    }
}

impl fmt::Debug for ToldCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToldCalls").field("below", &self.below).finish_non_exhaustive()
    }
}

#[async_trait]
impl ApiCaller for ToldCalls {
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        let (service, api, began) = (request.service.clone(), request.api.clone(), self.clock.now());
        let span = spans::call(&request);
        let outcome = self.below.call(request).instrument(span.clone()).await;
        spans::tell_answer(&span, &outcome);
        let at = self.clock.now();
        let (error, request_id) = match &outcome {
            Ok(answer) => (None, answer.request_id.clone()),
            Err(error) => (Some(error.code().into()), error.request_id().cloned()),
        };
        let key = Some(self.key.clone());
        let kind = EventKind::ApiCall { key, service, api, error, request_id, took: at.since(began) };
        self.events.emit(&ExecutionEvent { number: 0, at, execution: self.execution.clone(), kind });
        outcome
    }
}
