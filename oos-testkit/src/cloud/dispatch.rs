//! The order in which a call is handled.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use oos_core::{
    Map, RegionId, Value,
    catalogue::{self, NormaliseOptions},
    ports::{ApiError, ApiRequest, ApiResponse, Clock},
};

use super::{
    FakeCloud, Unmodelled,
    api::{Api, Ctx, Service},
    ecs,
    error::{error, error_with, invalid, missing},
    limits,
    names::{self, Resolved},
    params::Params,
    ram::{self, Caller},
    shaped::{self, Level, ShapedCall},
    state::{State, Token},
};
use crate::{
    calls::{Answer, Call},
    fault::{StubAnswer, Verdict, empty_wrappers, merged},
};

/// CHOICE: how long a client token is remembered.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 3600);

/// A call on its way.
struct Prepared {
    number: usize,
    resolved: Resolved,
    verdict: Verdict,
    caller: Caller,
    /// True when a signature told who calls; else the request's role chain is still to be assumed.
    known: bool,
}

impl Prepared {
    /// True for answers that are a document which somebody stored: it is given back as it is, and the id of the request
    /// stands in a header.
    fn is_document(&self) -> bool {
        &*self.resolved.api_name == "GetBucketPolicy"
    }
}

pub(super) async fn call(
    cloud: &FakeCloud,
    request: ApiRequest,
    known: Option<Caller>,
) -> Result<ApiResponse, ApiError> {
    let prepared = cloud.with(|state| begin(state, &request, known));
    if !prepared.verdict.latency.is_zero() {
        let clock = cloud.clock();
        clock.sleep_until(clock.now() + prepared.verdict.latency).await;
    }
    cloud.with(|state| {
        let answer = answer(state, &request, &prepared);
        finish(state, &prepared, answer)
    })
}

/// Records the call and asks the faults.
fn begin(state: &mut State, request: &ApiRequest, known: Option<Caller>) -> Prepared {
    let resolved = names::resolve(request);
    let number = state.calls.len();
    let (known, caller) = (known.is_some(), known.unwrap_or_else(|| ram::caller_of(state, request)));
    let call = record(state, request, number, &resolved, &caller);
    let verdict = state.rules.judge(&call);
    state.calls.push(Arc::new(Call { touched_by: verdict.names.clone(), ..call }));
    Prepared { number, resolved, verdict, caller, known }
}

fn record(state: &mut State, request: &ApiRequest, number: usize, r: &Resolved, caller: &Caller) -> Call {
    state.ticks += 1;
    let params = Value::from(r.params.clone());
    Call {
        number,
        service: Arc::clone(&r.service_name),
        api: Arc::clone(&r.api_name),
        region: region_of(state, request, r),
        account: caller.account().into(),
        caller: caller.label().into(),
        attempt: attempt(state, request, r, &params),
        params,
        raw: request.parameters.clone(),
        started: state.now,
        ended: None,
        origin: request.origin.clone(),
        answer: Answer::Pending,
        warnings: r.warnings.clone(),
        needs: Vec::new(),
        touched_by: Vec::new(),
        ticks: (state.ticks, state.ticks),
    }
}

fn region_of(state: &State, request: &ApiRequest, r: &Resolved) -> Arc<str> {
    let text = |t: &Arc<str>| Some(Arc::from(t.trim())).filter(|t: &Arc<str>| !t.is_empty());
    let given = r.params.get_folded("RegionId").and_then(|(_, v)| text(&v.to_text()));
    let own = || r.region.as_ref().and_then(text);
    let execution = || request.region.as_ref().map(RegionId::text).and_then(text);
    given.or_else(own).or_else(execution).unwrap_or_else(|| Arc::clone(&state.region))
}

fn attempt(state: &mut State, request: &ApiRequest, r: &Resolved, params: &Value) -> u32 {
    let mut hasher = DefaultHasher::new();
    let origin = &request.origin;
    (&r.service_name, &r.api_name, &origin.execution, &origin.task, origin.item).hash(&mut hasher);
    hash_value(params, &mut hasher);
    let count = state.attempts.entry(hasher.finish()).or_default();
    *count += 1;
    *count
}

fn hash_value(value: &Value, hasher: &mut impl Hasher) {
    std::mem::discriminant(value).hash(hasher);
    match value {
        Value::Null => {}
        Value::Bool(flag) => flag.hash(hasher),
        Value::Int(number) => number.hash(hasher),
        Value::Float(number) => number.to_bits().hash(hasher),
        Value::String(text) => text.hash(hasher),
        Value::List(list) => {
            list.len().hash(hasher);
            list.iter().for_each(|item| hash_value(item, hasher));
        }
        Value::Map(map) => {
            map.len().hash(hasher);
            for (key, value) in map.iter() {
                key.hash(hasher);
                hash_value(value, hasher);
            }
        }
    }
}

/// Faults, stubs, and then the fake itself.
fn answer(state: &mut State, request: &ApiRequest, p: &Prepared) -> Result<Value, ApiError> {
    if let Some(error) = &p.verdict.error {
        return Err(error.clone());
    }
    let Some(call) = state.calls.get(p.number) else { return Err(error("InternalError")) };
    let answer = match state.rules.answer(call) {
        Some((name, StubAnswer::Answer(answer))) => {
            touch(state, p.number, name);
            answer
        }
        Some((name, StubAnswer::Merge(over))) => {
            touch(state, p.number, name);
            let base = handle(state, request, p);
            // What nobody has a model or shape of is an empty answer, to merge into.
            let unknown = |error: ApiError| {
                if error.code() == shaped::UNMODELLED { Ok(Value::empty_map()) } else { Err(error) }
            };
            base.or_else(unknown).map(|body| merged(&body, &over))
        }
        None => handle(state, request, p),
    };
    if p.verdict.lost {
        let message = "the call was carried out and a fault lost the answer".into();
        return Err(ApiError::Transport { message, sent: true });
    }
    answer.map(|body| if p.verdict.empty_wrapper { empty_wrappers(&body) } else { body })
}

fn touch(state: &mut State, number: usize, name: String) {
    if let Some(call) = state.call_mut(number) {
        call.touched_by.push(name);
    }
}

fn handle(state: &mut State, request: &ApiRequest, p: &Prepared) -> Result<Value, ApiError> {
    let r = &p.resolved;
    if let Some(call) = state.calls.get(p.number) {
        state.rates.take(&call.account, &call.service, &call.api, state.now)?;
    }
    if !p.known {
        ram::resolve(state, request, p.number)?;
    }
    let params = Params(r.params.clone());
    ram::check(state, &p.caller, p.number, &params, r.http.bucket.as_deref())?;
    let Some(call) = state.calls.get(p.number).map(Arc::clone) else { return Err(error("InternalError")) };
    let (Some(service), Some(api)) = (r.service, r.api) else { return without_model(state, request, r.service, &call) };
    if let Some(name) = r.unknown.first().filter(|_| state.options.strict_parameters) {
        return Err(invalid(name, format_args!("{} has no parameter of this name", api.name)));
    }
    if let Some((name, kind)) = &r.mistyped {
        return Err(invalid(name, format_args!("it is no {kind}")));
    }
    if let Some(region) = unknown_region(state, &params).filter(|_| state.options.strict_parameters) {
        let text = format!("The specified RegionId \"{region}\" does not exist.");
        return Err(error_with("InvalidRegionId.NotFound", text));
    }
    if let Some(name) = api.required().find(|name| params.str(name).is_none()) {
        return Err(missing(name));
    }
    idempotent(state, service, api, params, |state, params| {
        limits::check_quota(state, service.name, api.name, &call.account, params)?;
        let dry_run = params.bool("DryRun");
        let (region, account) = (Arc::clone(&call.region), Arc::clone(&call.account));
        let (http, caller) = (r.http.clone(), p.caller.clone());
        limits::run(state, service.name, &call.account, request.is_read(), |s| {
            let mut ctx = Ctx { s, service: service.name, api: api.name, region, account, dry_run, http, caller };
            if dry_run && request.is_read() {
                ctx.checked()?;
            }
            (api.run)(&mut ctx, params)
        })
    })
}

/// The region of a call, when it is none. One in which the test has put something is one.
fn unknown_region(state: &State, params: &Params) -> Option<Arc<str>> {
    let region = params.str("RegionId")?;
    let known =
        ecs::is_region(&region) || region == state.region || state.store.everything().any(|(_, r)| r.region == region);
    (!known).then_some(region)
}

/// The same client token with the same parameters gives the first answer again.
fn idempotent(
    state: &mut State,
    service: &Service,
    api: &Api,
    params: Params,
    run: impl FnOnce(&mut State, &Params) -> Result<Value, ApiError>,
) -> Result<Value, ApiError> {
    let Some(token) = params.str("ClientToken") else { return run(state, &params) };
    let key = format!("{}/{}/{token}", service.name, api.name);
    let mut without = params.clone();
    without.0.remove("ClientToken");
    let same = Value::from(without.0);
    if let Some(old) = state.tokens.get(&key).filter(|t| state.now.since(t.at) < TOKEN_LIFE) {
        return if old.params == same { Ok(old.answer.clone()) } else { Err(error("IdempotentParameterMismatch")) };
    }
    let answer = run(state, &params)?;
    state.tokens.insert(key, Token { params: same, answer: answer.clone(), at: state.now });
    Ok(answer)
}

/// What is answered for an operation that the fake has no model of.
fn without_model(
    state: &mut State,
    request: &ApiRequest,
    service: Option<&'static Service>,
    call: &Call,
) -> Result<Value, ApiError> {
    match &mut state.fallback {
        Unmodelled::Strict => Err(unmodelled(request, service)),
        Unmodelled::Echo => Ok(Value::empty_map()),
        Unmodelled::Shaped => by_shape(state, request, call),
        Unmodelled::By(fallback) => fallback.answer(call),
    }
}

fn by_shape(state: &mut State, request: &ApiRequest, call: &Call) -> Result<Value, ApiError> {
    let normalised = catalogue::normalise(request, &NormaliseOptions::default());
    let params = normalised.params();
    let shaped = ShapedCall {
        service: &normalised.service,
        operation: normalised.operation.as_deref(),
        api: &request.api,
        params: &params,
        region: &call.region,
        account: &call.account,
        now: state.now,
    };
    shaped::respond(Level::Shaped, &shaped, &[], &mut state.ids, &mut state.shaped)
}

fn unmodelled(request: &ApiRequest, service: Option<&'static Service>) -> ApiError {
    let (name, api) = (service.map_or(&*request.service, |s| s.name), &request.api);
    let known = match service {
        Some(s) => {
            let mut names: Vec<_> = s.tables.iter().flat_map(|t| t.iter()).map(|a| a.name).collect();
            names.sort_unstable();
            format!("{name} has: {}", names.join(", "))
        }
        None => {
            let names: Vec<_> = super::SERVICES.iter().map(|s| s.name).collect();
            format!("services with a model: {}", names.join(", "))
        }
    };
    let message = format!(
        "the fake cloud has no model of {name}.{api}; stub it: cloud.stub(\"{name}\", \"{api}\").json(json!({{}})); {known}"
    );
    ApiError::Unsupported { code: "Testkit.UnmodelledApi".into(), message: message.into() }
}

/// Completes the answer and records it.
fn finish(state: &mut State, p: &Prepared, answer: Result<Value, ApiError>) -> Result<ApiResponse, ApiError> {
    let host = state
        .calls
        .get(p.number)
        .filter(|_| answer.is_err())
        .map(|c| format!("{}.{}.aliyuncs.com", c.service.to_ascii_lowercase(), c.region));
    let document = answer.as_ref().ok().filter(|_| p.is_document()).cloned();
    let mut answer = completed(state, answer, &host.unwrap_or_default());
    if let (Some(document), Ok(response)) = (document, &mut answer) {
        response.body = document;
    }
    state.ticks += 1;
    let (now, tick) = (state.now, state.ticks);
    if let Some(call) = state.call_mut(p.number) {
        (call.ended, call.ticks.1) = (Some(now), tick);
        call.answer = match &answer {
            Ok(response) => Answer::Ok(response.body.clone()),
            Err(error) => recorded(error),
        };
    }
    answer
}

/// An answer with its request id, an error in the gateway's dress.
pub(crate) fn completed(
    state: &mut State,
    answer: Result<Value, ApiError>,
    host: &str,
) -> Result<ApiResponse, ApiError> {
    let request_id: Arc<str> = state.ids.request_id().into();
    answer
        .map(|body| ApiResponse { body: with_request_id(body, &request_id), request_id: Some(Arc::clone(&request_id)) })
        .map_err(|e| dressed(state, e, &request_id, host))
}

fn recorded(error: &ApiError) -> Answer {
    let (status, message) = match error {
        ApiError::Service { http_status, message, .. } => (*http_status, Arc::clone(message)),
        other => (0, other.to_string().into()),
    };
    Answer::Error { code: error.code().into(), status, message }
}

fn with_request_id(body: Value, request_id: &Arc<str>) -> Value {
    match body {
        Value::Map(map) if map.contains_key("RequestId") => Value::Map(map),
        Value::Map(map) => {
            let mut out = Arc::unwrap_or_clone(map);
            out.insert("RequestId", Arc::clone(request_id));
            Value::from(out)
        }
        other => other,
    }
}

/// An error as the gateway sends it: `{RequestId, HostId, Code, Message, Recommend}` and what it had already.
fn dressed(state: &State, error: ApiError, request_id: &Arc<str>, host: &str) -> ApiError {
    let ApiError::Service { code, message, http_status, retry_after, body, .. } = error else { return error };
    let (code, http_status) = match state.codes.get(&*code) {
        Some((other, status)) => (Arc::from(other.as_str()), *status),
        None => (code, http_status),
    };
    let mut out = Map::new();
    out.insert("RequestId", Arc::clone(request_id));
    out.insert("HostId", host);
    out.insert("Code", Arc::clone(&code));
    out.insert("Message", Arc::clone(&message));
    out.insert("Recommend", format!("https://api.aliyun.com/troubleshoot?q={code}"));
    for (key, value) in body.as_map().into_iter().flat_map(Map::iter) {
        if !out.contains_key(key) {
            out.insert(Arc::clone(key), value.clone());
        }
    }
    let request_id = Some(Arc::clone(request_id));
    ApiError::Service { code, message, http_status, request_id, retry_after, body: Value::from(out) }
}
