//! The contract of API callers: clients, fakes, recorders, decorators.

use std::{
    sync::Arc,
    task::{Context, Waker},
};

use futures::future::join_all;
use oos_core::{
    Value,
    ports::{ApiCaller, ApiError, ApiRequest, ApiResponse},
};

use super::{Host, equal, good, hosted, require};

/// What the caller under test knows, and what it must not tell.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Samples {
    read: ApiRequest,
    refused: Vec<(ApiRequest, String)>,
    secrets: Vec<String>,
}

impl Samples {
    /// Samples with a call that only reads and goes well.
    pub fn new(read: ApiRequest) -> Self {
        Self { read, ..Self::default() }
    }

    /// The same with a call that the cloud refuses, and the code with which it does.
    #[must_use]
    pub fn refused(mut self, request: ApiRequest, code: &str) -> Self {
        self.refused.push((request, code.to_owned()));
        self
    }

    /// The same with a text, e.g. a key, that must appear in no error and no `Debug`.
    #[must_use]
    pub fn secret(mut self, text: &str) -> Self {
        self.secrets.push(text.to_owned());
        self
    }
}

/// Calls at once in the check of concurrency.
const AT_ONCE: usize = 16;

/// Runs the contract on a caller. `host` runs a future to its end where the caller works: `|f| clock.block_on(f)` for a
/// fake, `|f| runtime.block_on(f)` for a client.
///
/// ```
/// use oos_core::{params, ports::ApiRequest};
/// use oos_testkit::{FakeCloud, conformance::api};
/// let (cloud, read) = (FakeCloud::new(), ApiRequest::new("ECS", "DescribeInstances", params! {}));
/// api::suite(cloud.clone(), &|f| cloud.clock().block_on(f), &api::Samples::new(read));
/// ```
///
/// # Panics
/// With the rule that is broken.
#[track_caller]
pub fn suite(caller: impl ApiCaller, host: Host<'_>, samples: &Samples) {
    let suite = Suite { caller: Arc::new(caller), host, samples };
    suite.reads();
    suite.takes_any_spelling();
    suite.tells_what_it_does_not_know();
    suite.gives_codes_verbatim();
    suite.takes_dropped_calls();
    suite.takes_calls_at_once();
    suite.keeps_secrets();
}

struct Suite<'s> {
    caller: Arc<dyn ApiCaller>,
    host: Host<'s>,
    samples: &'s Samples,
}

impl Suite<'_> {
    #[track_caller]
    fn call(&self, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
        let (caller, request) = (self.caller.clone(), request.clone());
        hosted(self.host, async move { caller.call(request).await })
    }

    fn reads(&self) {
        for _ in 0..2 {
            let answer = good(self.call(&self.samples.read), "the sample of a read goes well, again and again");
            require(answer.body.as_map().is_some(), "the body of an answer is a map");
        }
        let null = ApiRequest { parameters: Value::Null, ..self.samples.read.clone() };
        let empty = ApiRequest { parameters: Value::empty_map(), ..self.samples.read.clone() };
        let shape = |answer: Result<ApiResponse, ApiError>| answer.map(drop).map_err(|e| e.code().to_owned());
        equal(&shape(self.call(&null)), &shape(self.call(&empty)), "no parameters and an empty map are the same");
    }

    fn takes_any_spelling(&self) {
        let read = &self.samples.read;
        for spell in [str::to_ascii_lowercase, str::to_ascii_uppercase] {
            let service = ApiRequest { service: spell(&read.service).into(), ..read.clone() };
            good(self.call(&service), "the case of a product's code does not matter");
        }
    }

    fn tells_what_it_does_not_know(&self) {
        let read = &self.samples.read;
        let unknown = [
            ApiRequest::new("NoSuchProductOfAnybody", "DescribeNothing", Value::Null),
            ApiRequest { api: "DescribeWhatNobodyOffers".into(), ..read.clone() },
            ApiRequest::new("", "", Value::Null),
            ApiRequest::new("重启\u{0}/../", "?&=#", Value::Null),
        ];
        for request in unknown {
            let Err(error) = self.call(&request) else {
                return require(false, format_args!("{}.{} is not carried out", request.service, request.api));
            };
            require(!error.code().trim().is_empty(), "an error has a code");
            require(!error.code().contains(char::is_whitespace), "a code is one word");
            let text = error.to_string();
            require(!text.trim().is_empty() && !text.contains('\n'), "an error is one line of text");
            let structured = !matches!(error, ApiError::Transport { sent: true, .. });
            require(structured, "an unknown API is no call whose outcome is unknown");
        }
    }

    fn gives_codes_verbatim(&self) {
        for (request, code) in &self.samples.refused {
            let found = self.call(request).map_err(|e| e.code().to_owned()).map(drop);
            equal(&found, &Err(code.clone()), "the cloud's code comes back as it is");
        }
    }

    fn takes_dropped_calls(&self) {
        let (caller, read) = (self.caller.clone(), self.samples.read.clone());
        hosted(self.host, async move {
            for polls in [0, 1, 2] {
                let mut call = caller.call(read.clone());
                let mut context = Context::from_waker(Waker::noop());
                let ready = (0..polls).any(|_| call.as_mut().poll(&mut context).is_ready());
                drop((call, ready));
            }
        });
        good(self.call(&self.samples.read), "a call that was dropped does not disturb later ones");
    }

    fn takes_calls_at_once(&self) {
        let (caller, read) = (self.caller.clone(), self.samples.read.clone());
        let answers = hosted(self.host, async move { join_all((0..AT_ONCE).map(|_| caller.call(read.clone()))).await });
        let good_ones = answers.iter().filter(|a| a.is_ok()).count();
        equal(&good_ones, &AT_ONCE, "calls at once are all answered");
    }

    fn keeps_secrets(&self) {
        let mut texts = vec![format!("{:?}", self.caller)];
        for (request, _) in &self.samples.refused {
            if let Err(error) = self.call(request) {
                texts.push(format!("{error} {error:?}"));
            }
        }
        for secret in &self.samples.secrets {
            require(!texts.iter().any(|t| t.contains(secret.as_str())), "secrets are in no error and no Debug");
        }
    }
}
