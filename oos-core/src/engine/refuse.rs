//! Defaults of ports: they refuse and say what to set.

use std::sync::Arc;

use async_trait::async_trait;
use futures::{FutureExt, future::BoxFuture};

use crate::{
    Value,
    ports::{
        ActionError, ApiCaller, ApiError, ApiRequest, ApiResponse, EventSink, ExecutionEvent,
        event::EventKind,
        http::{HttpRequest, HttpResponse, HttpSend, Mail, Mailer},
        notify::{Message, Notifier},
        optional::{GitAuthorizer, GitRequest},
        parameter_store::{ParameterRef, ParameterStore, ParameterValue},
        store::StoreError,
        trigger::{Deliver, Rule, TriggerSource},
    },
};

/// Refuses everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct RefuseAll;

fn refused(what: &str, method: &str) -> ActionError {
    ActionError::unsupported("NotConfigured", format!("{what} needs `EngineBuilder::{method}`"))
}

#[async_trait]
impl ApiCaller for RefuseAll {
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        let message = format!("calling {}.{} needs `EngineBuilder::api`", request.service, request.api);
        Err(ApiError::Unsupported { code: "NotConfigured".into(), message: message.into() })
    }
}

#[async_trait]
impl ParameterStore for RefuseAll {
    async fn get(&self, _names: &[ParameterRef]) -> Result<Vec<ParameterValue>, StoreError> {
        Err(StoreError::Refused("reading stored parameters needs `EngineBuilder::parameters`".into()))
    }
}

#[async_trait]
impl HttpSend for RefuseAll {
    async fn send(&self, _request: HttpRequest) -> Result<HttpResponse, ActionError> {
        Err(refused("an HTTP request", "http"))
    }
}

#[async_trait]
impl Mailer for RefuseAll {
    async fn send(&self, _mail: Mail) -> Result<(), ActionError> {
        Err(refused("a mail", "mailer"))
    }
}

#[async_trait]
impl Notifier for RefuseAll {
    async fn send(&self, _message: &Message) -> Result<Value, ActionError> {
        Err(refused("a message", "notifier"))
    }
}

#[async_trait]
impl GitAuthorizer for RefuseAll {
    async fn authorized_url(&self, _request: &GitRequest) -> Result<Arc<str>, ActionError> {
        Err(ActionError::unsupported("GitAccountNotAuthorized", "a repository address needs `EngineBuilder::git`"))
    }
}

impl TriggerSource for RefuseAll {
    fn subscribe(&self, _key: &str, _rule: &Rule, _deliver: Deliver) -> BoxFuture<'static, Result<(), ActionError>> {
        async { Err(refused("a trigger on events or alarms", "triggers")) }.boxed()
    }

    fn unsubscribe(&self, _key: &str) {}
}

/// Writes events to `tracing`; never values of properties or outputs.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingSink;

impl EventSink for TracingSink {
    fn emit(&self, event: &ExecutionEvent) {
        let execution = event.execution.as_str();
        match &event.kind {
            EventKind::ExecutionStarted { template, .. } => {
                tracing::info!(execution, template = template.as_deref(), "execution started");
            }
            EventKind::ExecutionStatus { status, .. } => tracing::info!(execution, %status, "execution status"),
            EventKind::ExecutionEnded { status, message, .. } => {
                tracing::info!(execution, %status, message = message.as_deref(), "execution ended");
            }
            EventKind::StepStarted { key, action, .. } => {
                tracing::debug!(execution, task = %key.task, item = key.item, action = &**action, "step started");
            }
            EventKind::Retrying { key, until, reason } => {
                tracing::debug!(execution, task = %key.task, item = key.item, %until, reason = &**reason, "retrying");
            }
            EventKind::StepWaiting { key, .. } => tracing::info!(execution, task = %key.task, "step waits"),
            EventKind::StepEnded { key, status, message, .. } => {
                let message = message.as_deref();
                tracing::debug!(execution, task = %key.task, item = key.item, %status, message, "step ended");
            }
            EventKind::LoopProgress { task, counts } => {
                tracing::debug!(execution, %task, total = counts.total, failed = counts.failed, "loop ended");
            }
            EventKind::ApiCall { service, api, error, request_id, .. } => {
                let (error, request_id) = (error.as_deref(), request_id.as_deref());
                tracing::debug!(execution, service = &**service, api = &**api, error, request_id, "api call");
            }
            EventKind::Log { message, .. } => tracing::info!(execution, "{message}"),
        }
    }
}
