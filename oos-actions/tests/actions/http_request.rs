//! `ACS::ExecuteHttpRequest`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::executor::block_on;
use oos_actions::atom::{ExecuteHttpRequest, HttpOptions, address};
use oos_core::{
    Value, params,
    ports::{
        ActionError, ActionErrorKind,
        http::{HttpRequest, HttpResponse, HttpSend},
    },
};

use crate::support::{Http, World, done, json, lost_connection, not_yet};

const URL: &str = "https://api.example.com/v1/things?a=1";

fn post(body: Value) -> Value {
    params! { "URL" => URL, "Body" => body }
}

fn header<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    request.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

#[test]
fn posts_json_by_default() {
    let world = World::new();
    world.web(200, r#"{"ok":true}"#);
    let document =
        done(world.run(&ExecuteHttpRequest::default(), post(params! { "k" => [1, 2], "gone" => Value::Null })));
    assert_eq!(document, params! { "ok" => true });
    let request = world.http.only();
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", URL));
    assert_eq!(String::from_utf8_lossy(&request.body), r#"{"k":[1,2]}"#);
    assert_eq!(header(&request, "Content-Type"), Some("application/json"));
    assert_eq!((request.redirects, request.timeout), (0, Duration::from_secs(30)));
}

#[test]
fn query_is_appended_and_encoded() {
    let world = World::new();
    world.web(200, "plain text");
    let properties = params! {
        "URL" => URL, "Method" => "get", "Query" => params! { "q" => "a b&c=ü", "n" => 1, "none" => Value::Null, "l" => ["x", "y"] },
        "Headers" => params! { "X-Token" => "t" },
    };
    let document = done(world.run(&ExecuteHttpRequest::default(), properties));
    assert_eq!(document, params! { "Body" => "plain text" });
    let request = world.http.only();
    assert_eq!(request.url, "https://api.example.com/v1/things?a=1&q=a%20b%26c%3D%C3%BC&n=1&l=x&l=y");
    assert_eq!((request.method.as_str(), request.redirects, header(&request, "X-Token")), ("GET", 5, Some("t")));
}

#[test]
fn a_form_is_sent_as_a_form_and_text_as_it_is() {
    let world = World::new();
    let form = params! {
        "URL" => URL, "Headers" => params! { "content-type" => "application/x-www-form-urlencoded" },
        "Body" => params! { "a" => "1 2", "b" => "&" },
    };
    world.web(204, "");
    assert_eq!(done(world.run(&ExecuteHttpRequest::default(), form)), params! { "Body" => "" });
    world.web(200, "[1]");
    assert_eq!(done(world.run(&ExecuteHttpRequest::default(), post("raw".into()))), Value::from([1]));
    let bodies: Vec<_> = world.http.requests().iter().map(|r| String::from_utf8_lossy(&r.body).into_owned()).collect();
    assert_eq!(bodies, ["a=1%202&b=%26", "raw"]);
}

#[test]
fn another_status_is_a_failure_that_shows_the_answer() {
    let world = World::new();
    world.web(404, "not\nhere");
    let error = world.run(&ExecuteHttpRequest::default(), post(Value::Null)).unwrap_err();
    assert_eq!(error.to_string(), "HttpRequestFailed: 404 not here");
    world.web(500, &"x".repeat(2_000));
    let error = world.run(&ExecuteHttpRequest::default(), post(Value::Null)).unwrap_err();
    assert_eq!(error.message.len(), "500 ".len() + 512);
}

#[test]
fn an_answer_that_is_too_long_is_refused() {
    let world = World::new();
    world.web(200, &"x".repeat((1 << 20) + 1));
    let error = world.run(&ExecuteHttpRequest::default(), post(Value::Null)).unwrap_err();
    assert_eq!(&*error.code, "HttpResponseTooLarge");
}

#[test]
fn only_what_was_not_carried_out_or_only_reads_is_sent_again() {
    let get = || params! { "URL" => URL, "Method" => "GET" };
    let world = World::new();
    world.web(503, "");
    world.http.push(Err(lost_connection(false)));
    world.web(200, "{}");
    done(world.run(&ExecuteHttpRequest::default(), get()));
    assert_eq!(world.clock.slept(), [1, 2]);

    let world = World::new();
    (0..4).for_each(|_| world.web(502, "bad gateway"));
    let error = world.run(&ExecuteHttpRequest::default(), get()).unwrap_err();
    assert_eq!(
        (error.to_string(), world.clock.slept()),
        ("HttpRequestFailed: 502 bad gateway".to_owned(), vec![1, 2, 4])
    );

    let world = World::new();
    world.http.push(Err(lost_connection(true)));
    world.web(503, "");
    assert!(world.run(&ExecuteHttpRequest::default(), post(Value::Null)).is_err());
    assert_eq!(world.http.requests().len(), 2, "a POST is repeated when it never left, and no more");

    let world = World::new();
    world.http.push(Err(lost_connection(false)));
    let error = world.run(&ExecuteHttpRequest::default(), post(Value::Null)).unwrap_err();
    assert_eq!((error.kind, world.http.requests().len()), (ActionErrorKind::Transport, 1));
}

fn rules(property: &str, rules: Value) -> Value {
    params! { "URL" => URL, "Method" => "GET", property => params! { "Rules" => rules } }
}

fn rule(selector: &str, operator: &str, value: impl Into<Value>) -> Value {
    params! { "PropertySelector" => selector, "Operator" => operator, "Value" => value.into() }
}

#[test]
fn rules_are_joined_by_and() {
    let both = || {
        Value::from([
            rule(".state", "In", ["up", "ready"]),
            rule(".errors", "Equals", "0"),
            rule(".mode", "NotIn", ["dead"]),
        ])
    };
    let world = World::new();
    world.web(200, r#"{"state":"up","errors":0}"#);
    done(world.run(&ExecuteHttpRequest::default(), rules("CheckFor", both())));
    world.web(200, r#"{"state":"up","errors":3}"#);
    let error = world.run(&ExecuteHttpRequest::default(), rules("CheckFor", both())).unwrap_err();
    assert_eq!(error.to_string(), r#"CheckForFailed: .errors is 3, which is not "0""#);
    world.web(200, r#"{"state":"down","errors":0}"#);
    let error = world.run(&ExecuteHttpRequest::default(), rules("CheckFor", both())).unwrap_err();
    assert_eq!(error.to_string(), r#"CheckForFailed: .state is "down", which is not in ["up","ready"]"#);
    world.web(200, r#"{"state":"up","errors":0,"mode":"dead"}"#);
    let error = world.run(&ExecuteHttpRequest::default(), rules("CheckFor", both())).unwrap_err();
    assert_eq!(error.to_string(), r#"CheckForFailed: .mode is "dead", which is not outside ["dead"]"#);
}

#[test]
fn a_wait_polls_whatever_the_status() {
    let ready = || rules("WaitFor", [rule(".state", "Equals", "ready")].into());
    let world = World::new();
    world.web(409, r#"{"state":"starting"}"#);
    let (seen, otherwise) = not_yet(world.run(&ExecuteHttpRequest::default(), ready()));
    assert_eq!(seen, Value::from("starting"));
    assert_eq!(
        otherwise.to_string(),
        r#"WaitForTimeout: condition not met after {retries} retries ({seconds} s); .state is "starting", which is not "ready""#
    );
    assert_eq!(otherwise.kind, ActionErrorKind::TimedOut);
    world.web(409, r#"{"state":"ready"}"#);
    done(world.run(&ExecuteHttpRequest::default(), ready()));
    (0..4).for_each(|_| world.http.push(Err(lost_connection(true))));
    let (seen, otherwise) = not_yet(world.run(&ExecuteHttpRequest::default(), ready()));
    assert_eq!((seen, &*otherwise.code), (Value::Null, "NotConnected"));
}

#[test]
fn the_check_comes_after_the_wait() {
    let mut both = rules("WaitFor", [rule(".done", "Equals", true)].into()).as_map().unwrap().clone();
    both.insert("CheckFor", params! { "Rules" => [rule(".result", "Equals", "good")] });
    let world = World::new();
    world.web(200, r#"{"done":false,"result":"bad"}"#);
    not_yet(world.run(&ExecuteHttpRequest::default(), both.clone().into()));
    world.web(200, r#"{"done":true,"result":"bad"}"#);
    assert_eq!(&*world.run(&ExecuteHttpRequest::default(), both.into()).unwrap_err().code, "CheckForFailed");
}

#[test]
fn options_open_methods_and_the_whole_answer() {
    let world = World::new();
    let put = || params! { "URL" => URL, "Method" => "PUT", "Body" => params! { "a" => 1 } };
    let error = world.run(&ExecuteHttpRequest::default(), put()).unwrap_err();
    assert_eq!(error.to_string(), "InvalidProperty: property `Method` must be one of POST, GET");
    world.web(201, r#"{"id":1}"#);
    let action = ExecuteHttpRequest::new(HttpOptions { more_methods: true, whole_answer: true });
    assert_eq!(done(world.run(&action, put())), json(r#"{"StatusCode":201,"Headers":{"X-Id":"7"},"Body":{"id":1}}"#));
}

#[test]
fn properties_that_do_not_fit_are_named() {
    let refusal =
        |properties: Value| World::new().run(&ExecuteHttpRequest::default(), properties).unwrap_err().to_string();
    assert_eq!(refusal(Value::empty_map()), "InvalidProperty: property `URL` is missing");
    assert_eq!(refusal(params! { "URL" => "ftp://x/" }), "InvalidProperty: `ftp://x/` is not an http or https URL");
    let body = params! { "URL" => URL, "Method" => "GET", "Body" => "x" };
    assert_eq!(refusal(body), "InvalidProperty: property `Body` must be left out with GET");
    assert_eq!(refusal(rules("WaitFor", Value::empty_list())), "InvalidProperty: property `WaitFor.Rules` is missing");
    assert_eq!(refusal(params! { "URL" => URL, "Method" => "PUT" }).split(':').next(), Some("InvalidProperty"));
    let operator = rules("CheckFor", [rule(".x", "Like", "y")].into());
    assert_eq!(refusal(operator), "InvalidProperty: property `Operator` must be Equals, In or NotIn");
    let selector = rules("CheckFor", [rule(".x[", "Equals", "y")].into());
    let world = World::new();
    world.web(200, "{}");
    assert_eq!(&*world.run(&ExecuteHttpRequest::default(), selector).unwrap_err().code, "InvalidSelector");
}

#[test]
fn an_empty_body_is_none() {
    let world = World::new();
    for body in [Value::from(""), Value::empty_map()] {
        world.web(200, "{}");
        done(world.run(&ExecuteHttpRequest::default(), params! { "URL" => URL, "Method" => "GET", "Body" => body }));
    }
    world.web(200, "{}");
    done(world.run(&ExecuteHttpRequest::default(), post("".into())));
    assert!(world.http.requests().iter().all(|request| request.body.is_empty() && request.headers.is_empty()));
}

#[test]
fn operators_are_known_in_any_case() {
    let world = World::new();
    world.web(200, r#"{"state":"up"}"#);
    let any_case = [rule(".state", "in", ["up"]), rule(".state", "NOTIN", ["down"]), rule(".state", "equals", "up")];
    done(world.run(&ExecuteHttpRequest::default(), rules("CheckFor", any_case.into())));
}

#[test]
fn a_repeat_after_a_crash_sends_again() {
    let world = World::new();
    world.web(200, "{}");
    done(world.run_again(&ExecuteHttpRequest::default(), post(Value::Null)));
}

/// A sender behind the guard: shared, so that a test sees its requests.
#[derive(Clone, Debug, Default)]
struct Shared(Arc<Http>);

#[async_trait]
impl HttpSend for Shared {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ActionError> {
        self.0.send(request).await
    }
}

impl Shared {
    /// Scripts a redirect.
    fn leads_to(&self, status: u16, url: &str) {
        let headers = vec![("location".to_owned(), url.to_owned())];
        self.0.push(Ok(HttpResponse { status, headers, body: Vec::new() }));
    }

    fn answers(&self) {
        self.0.push(Ok(HttpResponse { status: 200, headers: Vec::new(), body: b"{}".to_vec() }));
    }

    /// Sends through the guard.
    fn guarded(&self, method: &str, url: &str, redirects: u8) -> Result<HttpResponse, ActionError> {
        let guarded = address::Guarded::new(self.clone(), address::AddressPolicy::default());
        let headers = ["Authorization", "X-Trace"].map(|name| (name.to_owned(), "x".to_owned())).to_vec();
        let (method, url, timeout) = (method.to_owned(), url.to_owned(), Duration::from_secs(1));
        block_on(guarded.send(HttpRequest { method, url, headers, body: Vec::new(), timeout, redirects }))
    }

    fn urls(&self) -> Vec<String> {
        self.0.requests().into_iter().map(|request| request.url).collect()
    }
}

#[test]
fn a_guarded_sender_refuses_before_it_sends() {
    let sender = Shared::default();
    let error = sender.guarded("GET", "http://100.100.100.200/latest/meta-data/", 0).unwrap_err();
    assert_eq!(error.to_string(), "AddressRefused: templates may not reach `100.100.100.200`");
    assert!(sender.urls().is_empty());
}

#[test]
fn a_guarded_sender_checks_every_redirect() {
    let sender = Shared::default();
    sender.leads_to(302, "/b?x=1");
    sender.leads_to(307, "http://169.254.169.254/latest");
    let error = sender.guarded("GET", "https://a.example.com/a", 5).unwrap_err();
    assert_eq!(error.to_string(), "AddressRefused: templates may not reach `169.254.169.254`");
    assert_eq!(sender.urls(), ["https://a.example.com/a", "https://a.example.com/b?x=1"]);
    assert!(sender.0.requests().iter().all(|request| request.redirects == 0), "the sender itself follows none");
    let sender = Shared::default();
    sender.leads_to(301, "ftp://a.example.com/");
    assert_eq!(&*sender.guarded("GET", "https://a.example.com/a", 5).unwrap_err().code, "InvalidProperty");
}

#[test]
fn a_guarded_sender_follows_reads_as_often_as_it_is_told() {
    let sender = Shared::default();
    (0..3).for_each(|_| sender.leads_to(301, "/again"));
    assert_eq!(sender.guarded("GET", "https://a.example.com/a", 2).unwrap().status, 301);
    assert_eq!(sender.urls().len(), 3);
    let sender = Shared::default();
    sender.leads_to(303, "/elsewhere");
    assert_eq!(sender.guarded("POST", "https://a.example.com/a", 5).unwrap().status, 303);
    assert_eq!(sender.urls().len(), 1, "a write is not sent on");
}

#[test]
fn a_redirect_to_another_host_carries_no_credentials() {
    let sender = Shared::default();
    sender.leads_to(302, "/same");
    sender.leads_to(302, "https://b.example.com/");
    sender.answers();
    assert_eq!(sender.guarded("GET", "https://a.example.com/a", 5).unwrap().status, 200);
    let has = |name: &str| sender.0.requests().iter().map(|r| header(r, name).is_some()).collect::<Vec<_>>();
    assert_eq!(has("Authorization"), [true, true, false]);
    assert_eq!(has("X-Trace"), [true, true, true]);
}
