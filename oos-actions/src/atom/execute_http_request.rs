//! `ACS::ExecuteHttpRequest`: calls an HTTP service outside the cloud (page "ACS::ExecuteHttpRequest").
//!
//! Which addresses may be reached is the sender's rule (`address`). After a crash the request is sent again: the
//! action promises at least once, and says so in its signature.

mod build;
mod rules;

use std::time::Duration;

use async_trait::async_trait;
use oos_core::{
    ActionName, Map, Value, params,
    ports::{
        Action, ActionContext, ActionError, ActionErrorKind, Outcome,
        action::{ActionClass, Property, RetryRule, Signature},
        http::{HttpRequest, HttpResponse},
    },
    selector::SelectorCache,
    template::ValueType,
};

use super::{address::ADDRESS_REFUSED, wait_for::WAIT_FOR_RETRIES};
use crate::{
    failure::{self, Failure},
    signature::{self, StaticName},
};
use rules::{Checked, Rules};

static NAME: StaticName = StaticName::new(|| ActionName::new("ACS::ExecuteHttpRequest"));

/// CHOICE: the longest answer that is read (actions.md 7).
const MAX_BODY: usize = 1 << 20;
const REQUEST_FAILED: Failure =
    Failure::new(ActionErrorKind::Service, "HttpRequestFailed", "the status is not 2xx and no rules judge the body");
const TOO_LARGE: Failure =
    Failure::new(ActionErrorKind::Service, "HttpResponseTooLarge", "the answer is longer than 1 MiB");
const CHECK_FOR_FAILED: Failure =
    Failure::new(ActionErrorKind::TimedOut, "CheckForFailed", "the rules of CheckFor are not met");
const WAIT_FOR_TIMEOUT: Failure =
    Failure::new(ActionErrorKind::TimedOut, "WaitForTimeout", "the rules of WaitFor were not met after the last retry");
/// CHOICE: how much of a refused answer the message shows.
const SHOWN_BODY: usize = 512;
/// CHOICE: waits before the repeats after a lost connection or a gateway error (actions.md 20.3).
const REPEAT_AFTER: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// What the product leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HttpOptions {
    /// Takes PUT, PATCH, DELETE and HEAD beside the documented POST and GET.
    pub more_methods: bool,
    /// Makes `{StatusCode, Headers, Body}` the result document instead of the body alone.
    pub whole_answer: bool,
}

/// `ACS::ExecuteHttpRequest`.
#[derive(Clone, Debug, Default)]
pub struct ExecuteHttpRequest {
    options: HttpOptions,
    selectors: SelectorCache,
}

impl ExecuteHttpRequest {
    /// An action with options.
    pub fn new(options: HttpOptions) -> Self {
        Self { options, ..Self::default() }
    }

    fn document(&self, answer: &HttpResponse) -> Value {
        let text = String::from_utf8_lossy(&answer.body);
        let json = Value::from_json_str(&text).ok();
        if self.options.whole_answer {
            let headers: Map = answer.headers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let body = json.unwrap_or_else(|| Value::from(&*text));
            return params! { "StatusCode" => u32::from(answer.status), "Headers" => headers, "Body" => body };
        }
        // CHOICE: what is no JSON stands under `Body` (actions.md 7).
        json.unwrap_or_else(|| params! { "Body" => &*text })
    }

    fn judge(&self, rules: &Rules, answer: &HttpResponse) -> Result<Outcome, ActionError> {
        if !rules.given() && !(200..300).contains(&answer.status) {
            return Err(refused(answer));
        }
        let document = self.document(answer);
        if let Checked::Fails { value, why } = rules.wait_for(&self.selectors, &document)? {
            let otherwise = WAIT_FOR_TIMEOUT.error(format_args!("{}; {why}", super::poll::UNMET));
            let otherwise = otherwise.with_details(params! { "LastValue" => value.clone() });
            return Ok(Outcome::NotYet { observed: value, otherwise });
        }
        match rules.check_for(&self.selectors, &document)? {
            Checked::Holds => Ok(Outcome::Done(document)),
            Checked::Fails { value, why } => {
                Err(CHECK_FOR_FAILED.error(why).with_details(params! { "LastValue" => value }))
            }
        }
    }
}

#[async_trait]
impl Action for ExecuteHttpRequest {
    fn name(&self) -> &ActionName {
        &NAME
    }

    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
        let request = build::request(ctx.raw_properties(), self.options.more_methods)?;
        let rules = Rules::of(ctx.raw_properties())?;
        match send(&ctx, request).await {
            Ok(answer) if answer.body.len() > MAX_BODY => {
                Err(TOO_LARGE.error(format_args!("the answer has more than {MAX_BODY} bytes")))
            }
            Ok(answer) => self.judge(&rules, &answer),
            // While a wait lasts, no answer is one more round for nothing.
            Err(error) if rules.waits() && error.kind == ActionErrorKind::Transport => {
                Ok(Outcome::NotYet { observed: Value::Null, otherwise: error })
            }
            Err(error) => Err(error),
        }
    }

    fn signature(&self) -> Signature {
        let (text, json) = (&[ValueType::String], &[ValueType::Json]);
        let method = Property::optional("Method", text, "HTTP method").default("POST");
        let method =
            if self.options.more_methods { method.allowed(build::ALL_METHODS) } else { method.allowed(build::METHODS) };
        let properties = vec![
            Property::required("URL", text, "http or https address; after a crash it may be called again"),
            method,
            Property::optional("Headers", json, "request headers"),
            Property::optional("Query", json, "appended to the URL, percent-encoded"),
            Property::optional("Body", &[ValueType::Json, ValueType::String], "sent as JSON, not with GET"),
            Property::optional("CheckFor", json, "Rules that the answer must meet"),
            Property::optional("WaitFor", json, "Rules to wait for, with retry settings"),
        ];
        let signature = Signature {
            loops: true,
            retry: RetryRule::Property { name: "WaitFor", default_retries: WAIT_FOR_RETRIES },
            ..signature::closed(&NAME, ActionClass::Api, "calls an HTTP service", properties)
        }
        .gives([signature::document("body of the answer if it is JSON, else its text as Body")]);
        let failures =
            [REQUEST_FAILED, TOO_LARGE, ADDRESS_REFUSED, CHECK_FOR_FAILED, WAIT_FOR_TIMEOUT, rules::NO_SELECTOR];
        failure::list(signature, &failures)
    }
}

/// Sends, and repeats what surely was not carried out or only reads.
async fn send(ctx: &ActionContext, request: HttpRequest) -> Result<HttpResponse, ActionError> {
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    for pause in REPEAT_AFTER {
        match ctx.ports().http.send(request.clone()).await {
            Ok(answer) if reads && matches!(answer.status, 502..=504) => {}
            Err(error) if error.kind == ActionErrorKind::Transport && (reads || error.retryable) => {}
            other => return other,
        }
        ctx.ports().clock.sleep_until(ctx.now() + pause).await;
    }
    ctx.ports().http.send(request).await
}

fn refused(answer: &HttpResponse) -> ActionError {
    let shown = answer.body.get(..SHOWN_BODY).unwrap_or(&answer.body);
    let text = String::from_utf8_lossy(shown).replace(['\n', '\r'], " ");
    REQUEST_FAILED.error(format!("{} {}", answer.status, text.trim_end_matches('\u{fffd}').trim()).trim_end())
}
