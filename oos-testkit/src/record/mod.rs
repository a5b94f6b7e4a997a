//! Calls recorded from a real cloud, or any other caller, and answered again offline.
//!
//! [`Recorder`] stands around an [`ApiCaller`](oos_core::ports::ApiCaller) and writes each call with its answer as one
//! JSON line; [`Replay`] answers from such a file, without network. Calls are matched by service, operation, region and
//! parameters in official spelling, equal ones in their order. Secrets never reach the file ([`Redaction`]), and a call
//! is compared as the file would have it, so a replay may use other secrets than the recording.
//!
//! Names that a template makes of its execution's id are the same again when the bed has the same
//! [`seed`](crate::TestBed::seed).

mod recorder;
mod redact;
mod replay;

use std::sync::Arc;

use oos_core::{
    Map, Value,
    catalogue::{self, NormaliseOptions},
    params,
    ports::{ApiError, ApiRequest, ApiResponse},
};

pub use recorder::Recorder;
pub use redact::Redaction;
pub use replay::{Replay, ReplayError};

/// First line of a recording.
const FORMAT: &str = "oos-testkit recording 1";

/// What makes two calls the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    service: Arc<str>,
    api: Arc<str>,
    region: Arc<str>,
    params: Value,
}

impl Asked {
    /// A request in official spelling, without secrets and without the token that differs from run to run.
    fn of(request: &ApiRequest, redaction: &Redaction) -> Self {
        let n = catalogue::normalise(request, &NormaliseOptions::default());
        let mut params: Map = n.params();
        params.remove("ClientToken");
        params.remove("RegionId");
        if let Some(bucket) = &n.bucket {
            params.insert("(bucket)", bucket.clone());
        }
        if request.uri.is_some() {
            params.insert("(path)", format!("{} {}", n.method, n.path));
        }
        if !n.body.is_null() {
            params.insert("(body)", n.body.clone());
        }
        let region = n.region.clone().or_else(|| request.region.as_ref().map(|r| r.text().clone()));
        let mut sorted: Vec<_> = params.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        let params = redaction.value(&Value::from(sorted.into_iter().collect::<Map>()));
        Self { service: n.service.clone(), api: n.api.clone(), region: region.unwrap_or_default(), params }
    }

    fn name(&self) -> String {
        format!("{}.{}", self.service, self.api)
    }
}

/// A call and its answer, as the file has them.
#[derive(Clone, Debug)]
struct Entry {
    asked: Asked,
    answer: Result<ApiResponse, ApiError>,
}

impl Entry {
    fn to_line(&self, redaction: &Redaction) -> String {
        let Asked { service, api, region, params } = &self.asked;
        let mut line = params! {
            "service" => service.clone(), "api" => api.clone(), "region" => region.clone(), "params" => params.clone(),
        };
        let answer = match &self.answer {
            Ok(ok) => params! { "ok" => redaction.value(&ok.body), "requestId" => ok.request_id.clone() },
            Err(error) => {
                let error = serde_json::to_value(error).map_or(Value::Null, Value::from);
                params! { "error" => redaction.value(&error) }
            }
        };
        if let (Value::Map(line), Some(answer)) = (&mut line, answer.as_map()) {
            let mut whole = (**line).clone();
            answer.iter().for_each(|(key, value)| _ = whole.insert(key.clone(), value.clone()));
            return Value::from(whole).to_string();
        }
        line.to_string()
    }

    fn from_line(line: &str) -> Result<Self, String> {
        let value = Value::from_json_str(line).map_err(|e| format!("no JSON: {e}"))?;
        let text = |name: &str| match value.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            _ => Err(format!("`{name}` is missing")),
        };
        let asked = Asked {
            service: text("service")?,
            api: text("api")?,
            region: text("region")?,
            params: value.at(&["params"]).clone(),
        };
        let answer = match (value.get("ok"), value.get("error")) {
            (Some(body), None) => {
                let request_id = value.get("requestId").and_then(Value::as_str).map(Arc::from);
                Ok(ApiResponse { body: body.clone(), request_id })
            }
            (None, Some(error)) => Err(serde_json::from_value(error.to_json()).map_err(|e| format!("`error`: {e}"))?),
            _ => return Err("one of `ok` and `error` must be there".to_owned()),
        };
        Ok(Self { asked, answer })
    }
}
