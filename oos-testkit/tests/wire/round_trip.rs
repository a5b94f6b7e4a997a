//! Every operation of the catalogue: what the client builds of generated parameters, the server decodes to the same
//! canonical parameters. Signed and verified on the way, without sockets.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use oos_aliyun::{
    Client,
    credential::StaticKeys,
    sign::{RequestSigner, SignError, Signable},
    transport::{SendOptions, Transport, TransportError},
};
use oos_core::{
    Map, Timestamp, Value,
    catalogue::{
        Canonical, Catalogue, Form, Kind, NormaliseOptions, Normalised, Operation, Parameter, Place, Shape, Style,
        normalise,
    },
    ports::{ApiCaller, ApiRequest, credential::Credential},
};
use oos_testkit::server::{WireRequest, decode};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::support::Nothing;

/// Keeps the request instead of sending it.
#[derive(Clone, Debug, Default)]
struct Capture(Arc<Mutex<Option<http::Request<Bytes>>>>);

#[async_trait]
impl Transport for Capture {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        _: &SendOptions,
    ) -> Result<http::Response<Bytes>, TransportError> {
        *self.0.lock().unwrap() = Some(request);
        Ok(http::Response::new(Bytes::from_static(b"{}")))
    }
}

/// For the gateways that sign in their own way.
#[derive(Debug)]
struct Unsigned;

impl RequestSigner for Unsigned {
    fn sign(&self, request: &mut Signable, _: &Credential, _: Timestamp, _: &str) -> Result<(), SignError> {
        if request.product == "mns" {
            request.headers.insert("x-mns-version", "2015-06-06");
        }
        Ok(())
    }
}

/// A client, what it would have sent, and where its futures run.
type Bench = (Client, Capture, tokio::runtime::Runtime);

fn bench() -> Bench {
    let capture = Capture::default();
    let mut runtime = oos_aliyun::transport::Runtime::with_transport(Arc::new(capture.clone()));
    (runtime.env, runtime.files) = (Arc::new(Nothing), Arc::new(Nothing));
    let client = Client::builder().runtime(runtime).credentials(StaticKeys::new("test-id", "test-secret"));
    let client =
        client.region("cn-hangzhou").signer("mns", Arc::new(Unsigned)).signer("eventbridge", Arc::new(Unsigned));
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    (client.build().unwrap(), capture, tokio)
}

fn letters() -> BoxedStrategy<String> {
    "[A-Za-z][A-Za-z_-]{0,6}".boxed()
}

fn text() -> BoxedStrategy<String> {
    prop_oneof![
        4 => "[a-zA-Z0-9_.:/-]{1,12}",
        2 => "[ -~]{1,12}",
        1 => "\\PC{1,8}",
        1 => Just("a+b%2B &=#*~?".to_owned()),
        1 => Just("中文 🚀".to_owned()),
    ]
    .boxed()
}

fn number() -> BoxedStrategy<Value> {
    prop_oneof![any::<i64>().prop_map(Value::Int), (-1000i32..1000).prop_map(|n| Value::Float(f64::from(n) / 8.0))]
        .boxed()
}

fn boolean() -> BoxedStrategy<Value> {
    prop_oneof![any::<bool>().prop_map(Value::Bool), Just("True".into()), Just("false".into())].boxed()
}

fn scalar(kind: Kind) -> BoxedStrategy<Value> {
    let text = text().prop_map(Value::from).boxed();
    match kind {
        Kind::Integer => {
            prop_oneof![any::<i64>().prop_map(Value::Int), any::<u32>().prop_map(|n| n.to_string().into())].boxed()
        }
        Kind::Number => number(),
        Kind::Boolean => boolean(),
        _ => prop_oneof![6 => text, 1 => number(), 1 => boolean()].boxed(),
    }
}

/// Something of a shape; free maps have keys that are no numbers and no paths, which no server can tell apart.
fn shaped(shape: &Shape, depth: u32) -> BoxedStrategy<Value> {
    let list = |item: BoxedStrategy<Value>| prop::collection::vec(item, 1..3).prop_map(Value::from).boxed();
    match shape {
        _ if depth > 4 => scalar(Kind::String),
        Shape::Integer => scalar(Kind::Integer),
        Shape::Number => scalar(Kind::Number),
        Shape::Boolean => scalar(Kind::Boolean),
        Shape::String | Shape::Binary => scalar(Kind::String),
        Shape::List(item) => list(shaped(item, depth + 1)),
        Shape::Map(members) => {
            let all: Vec<_> = members.iter().map(|(n, s)| (n.clone(), shaped(s, depth + 1))).collect();
            let some = all.into_iter().map(|(n, s)| prop::option::weighted(0.7, s).prop_map(move |v| (n.clone(), v)));
            let some: Vec<_> = some.collect();
            some.prop_map(|pairs| pairs.into_iter().filter_map(|(n, v)| Some((n, v?))).collect::<Map>().into()).boxed()
        }
        Shape::Free(item) => {
            prop::collection::btree_map(letters(), shaped(item, depth + 1), 1..3).prop_map(map).boxed()
        }
        Shape::Any => scalar(Kind::String),
    }
}

fn map(pairs: BTreeMap<String, Value>) -> Value {
    pairs.into_iter().map(|(k, v)| (Arc::from(k), v)).collect::<Map>().into()
}

fn tags() -> BoxedStrategy<Value> {
    let pair = (text(), text()).prop_map(|(k, v)| oos_core::params! { "Key" => k, "Value" => v });
    prop::collection::vec(pair, 1..4).prop_map(Value::from).boxed()
}

/// No dots, which HTTP libraries resolve, and no slash in front, which keys of objects cannot have.
fn segment() -> BoxedStrategy<Value> {
    let fits = |t: &String| !matches!(t.trim(), "" | "." | "..") && !t.starts_with('/');
    text().prop_filter("is no segment", fits).prop_map(Value::from).boxed()
}

fn without_slash() -> BoxedStrategy<Value> {
    "[a-zA-Z0-9_ +%-]{1,8}".prop_map(|t| Value::from(format!("x{t}"))).boxed()
}

/// `ClusterId` fills `{cluster_id}`.
fn plain(name: &str) -> String {
    name.replace('_', "").to_ascii_lowercase()
}

fn texts() -> BoxedStrategy<Value> {
    prop::collection::vec(text(), 1..13).prop_map(Value::from).boxed()
}

/// What a template may give for a parameter.
fn given(p: &Parameter) -> BoxedStrategy<Value> {
    let shape = p.shape.clone().unwrap_or(Shape::Any);
    let structured = match (&p.shape, p.kind) {
        (Some(shape), _) => shaped(shape, 0),
        (None, Kind::List) => texts(),
        (None, Kind::Map) => shaped(&Shape::Free(Box::new(Shape::Any)), 0),
        (None, _) => scalar(p.kind),
    };
    match (p.place, p.form) {
        // It goes into the host.
        _ if p.name.eq_ignore_ascii_case("RegionId") => Just(Value::from("cn-beijing")).boxed(),
        (Place::Header, _) => "[!-~]([ -~]{0,10}[!-~])?".prop_map(Value::from).boxed(),
        (Place::Path, _) => segment(),
        (_, Form::Scalar) => prop_oneof![6 => scalar(p.kind), 1 => texts()].boxed(),
        (_, Form::CommaText) => {
            let item = "[a-zA-Z0-9_. -]{1,6}";
            prop_oneof![prop::collection::vec(item, 1..4).prop_map(Value::from), text().prop_map(Value::from), tags(),]
                .boxed()
        }
        (_, Form::Flattened) if p.kind == Kind::List => {
            let one = match &shape {
                Shape::List(item) => shaped(item, 1),
                _ => scalar(Kind::String),
            };
            prop_oneof![4 => structured.clone(), 1 => structured.prop_map(|v| v.to_string().into()), 1 => one].boxed()
        }
        (_, Form::Flattened) => structured,
        (_, Form::JsonText) => prop_oneof![
            3 => structured.clone(),
            1 => structured.prop_map(|v| v.to_string().into()),
            1 => scalar(Kind::String),
        ]
        .boxed(),
        (_, Form::Structured) => structured,
    }
}

/// What a template may give for an old name: lists, tags, texts.
fn given_for_alias() -> BoxedStrategy<Value> {
    prop_oneof![texts(), tags(), scalar(Kind::String)].boxed()
}

/// Parameters of an operation: those that its path needs, and some of the others; now and then under an old name.
fn parameters(op: &Operation) -> BoxedStrategy<Value> {
    let maybe = |p: &Parameter| match p.place {
        // Slashes are part of a key, and of nothing else in the path of object storage.
        Place::Path if op.style == Style::ObjectStorage && &*p.name != "key" => without_slash().prop_map(Some).boxed(),
        Place::Path => given(p).prop_map(Some).boxed(),
        _ => prop::option::weighted(0.5, given(p)).boxed(),
    };
    let own = op.parameters.iter().filter(|p| !matches!(p.place, Place::XmlBody | Place::Host));
    let own: Vec<_> = own
        .map(|p| {
            let name = p.name.clone();
            maybe(p).prop_map(move |v| (name.clone(), v)).boxed()
        })
        .collect();
    let old: Vec<_> = op
        .alias_names()
        .cloned()
        .map(|name| prop::option::weighted(0.2, given_for_alias()).prop_map(move |v| (name.clone(), v)).boxed())
        .collect();
    // Holes of the path that no table declares.
    let declared = |hole: &str| op.parameters.iter().any(|p| plain(&p.name) == plain(hole));
    let holes = op.path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(hole, _)| hole.to_owned());
    let part = if op.style == Style::ObjectStorage { without_slash() } else { segment() };
    let holes: Vec<_> = holes
        .filter(|hole| !declared(hole))
        .map(|hole| part.clone().prop_map(move |v| (Arc::from(hole.as_str()), Some(v))).boxed())
        .collect();
    (own, old, holes)
        .prop_map(|(own, old, holes)| {
            own.into_iter().chain(old).chain(holes).filter_map(|(n, v)| Some((n, v?))).collect::<Map>().into()
        })
        .boxed()
}

fn request(op: &Operation, parameters: Value) -> ApiRequest {
    let mut parameters = parameters.as_map().cloned().unwrap_or_default();
    let mut request = ApiRequest {
        token: Some("token-1".into()),
        ..ApiRequest::new(op.product.clone(), op.api.clone(), Value::Null)
    };
    request.version = Some(op.version.clone());
    match op.style {
        Style::ObjectStorage => {
            parameters.insert("BucketName", "pail");
        }
        Style::MnsRest => {
            parameters.insert("AccountId", "123456");
        }
        _ => {}
    }
    if op.parameters.iter().any(|p| p.place == Place::XmlBody) {
        request.body = "<A>1</A>".into();
    }
    request.parameters = parameters.into();
    request
}

fn sorted(call: &Normalised) -> Vec<Canonical> {
    let mut tree = call.tree.clone();
    tree.sort_by(|a, b| a.wire.cmp(&b.wire));
    tree
}

/// Sends a request and reads it back; the canonical forms of both ends must be the same.
fn round_trip(client: &Bench, mut request: ApiRequest) -> Result<(), TestCaseError> {
    let sent = client.2.block_on(client.0.call(request.clone()));
    // What cannot be sent is refused before, and then it is never on the wire.
    if let Err(error) = &sent {
        prop_assert!(client.1.0.lock().unwrap().is_none(), "{error}");
        prop_assert!(error.code() == "InvalidParameter", "{error}");
        return Err(TestCaseError::reject("cannot be sent"));
    }
    request.region = Some("cn-hangzhou".into());
    let here = normalise(&request, &NormaliseOptions::default());
    let wire = WireRequest::from(client.1.0.lock().unwrap().take().unwrap());
    let decoded = decode(&wire).map_err(|e| TestCaseError::fail(e.to_string()))?;
    let there = normalise(&decoded.request, &NormaliseOptions { keep_empty: true, ..NormaliseOptions::default() });
    prop_assert_eq!(sorted(&there), sorted(&here), "{:?}", request.parameters);
    prop_assert_eq!(&there.unknown, &here.unknown);
    prop_assert_eq!((&there.product, &there.version), (&here.product, &here.version));
    // Object storage has no names on the wire: what one pattern stands for is told by the parameters.
    let named = |call: &Normalised| match call.style {
        Style::ObjectStorage => call.operation.as_ref().map(|op| op.path.clone()).unwrap_or_default(),
        _ => call.api.clone(),
    };
    prop_assert_eq!(named(&there), named(&here));
    prop_assert_eq!((there.style, &there.method, &there.path), (here.style, &here.method, &here.path));
    prop_assert_eq!((&there.bucket, &there.account_id), (&here.bucket, &here.account_id));
    prop_assert_eq!(there.body.parsed_if_json_text(), here.body.parsed_if_json_text());
    Ok(())
}

/// All operations with their own version.
fn operations() -> Vec<Arc<Operation>> {
    let catalogue = Catalogue::embedded();
    let mut out = BTreeMap::new();
    for product in catalogue.products() {
        for version in catalogue.api_versions(&product) {
            for api in catalogue.operations(&product) {
                if let Some(op) = catalogue.operation(&product, &api, Some(&version)) {
                    out.insert((op.product.clone(), op.version.clone(), op.api.clone()), op);
                }
            }
        }
    }
    out.into_values().collect()
}

fn run(operations: &[Arc<Operation>], cases: u32) -> Vec<String> {
    let client = bench();
    let mut failures = Vec::new();
    for op in operations {
        let mut config = ProptestConfig::with_cases(cases);
        config.failure_persistence = None;
        config.max_shrink_iters = 200;
        let mut runner = TestRunner::new_with_rng(
            config,
            proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
        );
        let outcome = runner.run(&parameters(op), |given| round_trip(&client, request(op, given)));
        if let Err(error) = outcome {
            let error = error.to_string().replace('\n', " ");
            failures.push(format!("{} {} {}: {error}", op.product, op.version, op.api));
        }
    }
    failures
}

fn check(operations: &[Arc<Operation>], cases: u32) {
    let failures = run(operations, cases);
    let shown = failures.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {} failed:\n{shown}", failures.len(), operations.len());
}

#[test]
fn every_operation_comes_back_from_the_wire() {
    let all: Vec<_> = operations().into_iter().filter(|op| op.style != Style::Local).collect();
    assert!(all.len() > 8_900, "{}", all.len());
    check(&all, 2);
}

/// Those that official templates call and those of OOS, whose parameters are known completely.
#[test]
fn operations_of_templates_come_back_with_many_parameters() {
    let known: Vec<_> = operations().into_iter().filter(|op| op.style != Style::Local && op.complete).collect();
    assert!(known.len() >= 400, "{}", known.len());
    check(&known, 12);
}
