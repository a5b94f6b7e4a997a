//! A scripted world: environment, files, HTTP, clock, randomness.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part of it")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    collections::BTreeMap,
    io::{Error, ErrorKind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use oos_aliyun::transport::{Entropy, Env, FileRead, Runtime, SendOptions, Transport, TransportError, TransportKind};
use oos_core::{Timestamp, engine::TokioSpawner, ports::Clock};

pub const HOME: &str = "/home/u";

#[derive(Debug, Default)]
pub struct MapEnv(pub Mutex<BTreeMap<String, String>>);

impl Env for MapEnv {
    fn var(&self, name: &str) -> Option<String> {
        self.0.lock().unwrap().get(name).cloned()
    }
}

#[derive(Debug, Default)]
pub struct MapFiles(pub Mutex<BTreeMap<PathBuf, Vec<u8>>>);

impl FileRead for MapFiles {
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        self.0.lock().unwrap().get(path).cloned().ok_or_else(|| Error::from(ErrorKind::NotFound))
    }
}

/// Nonces `n-1`, `n-2`, …; always the largest jitter.
#[derive(Debug, Default)]
pub struct SeqEntropy(AtomicU64);

impl Entropy for SeqEntropy {
    fn nonce(&self) -> String {
        format!("n-{}", self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn unit(&self) -> f64 {
        1.0
    }
}

/// Jumps to a deadline when everything else has had its turn, and notes how long that was.
#[derive(Clone, Debug)]
pub struct JumpClock {
    now: Arc<Mutex<Timestamp>>,
    pub waits: Arc<Mutex<Vec<u128>>>,
}

impl Default for JumpClock {
    fn default() -> Self {
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        Self { now: Arc::new(Mutex::new(now)), waits: Arc::default() }
    }
}

impl JumpClock {
    pub fn advance(&self, seconds: i64) {
        let mut now = self.now.lock().unwrap();
        *now = now.plus_seconds(seconds);
    }
}

impl Clock for JumpClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<'static, ()> {
        let this = self.clone();
        Box::pin(async move {
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            let mut now = this.now.lock().unwrap();
            if deadline > *now {
                this.waits.lock().unwrap().push(deadline.since(*now).as_millis());
                *now = deadline;
            }
        })
    }
}

/// What was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub method: String,
    pub url: String,
    pub host: String,
    pub path: String,
    pub query: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    pub direct: bool,
}

impl Sent {
    fn of(request: &Request<Bytes>, options: &SendOptions) -> Self {
        let uri = request.uri();
        let headers = request.headers().iter();
        Self {
            method: request.method().to_string(),
            url: uri.to_string(),
            host: uri.authority().unwrap().to_string(),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            headers: headers
                .map(|(n, v)| (n.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
                .collect(),
            body: String::from_utf8_lossy(request.body()).into_owned(),
            direct: options.direct,
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// A decoded member of the form body.
    pub fn form(&self, name: &str) -> Option<String> {
        pair(&self.body, name)
    }

    /// A decoded member of the query.
    pub fn member(&self, name: &str) -> Option<String> {
        pair(&self.query, name)
    }
}

fn pair(text: &str, name: &str) -> Option<String> {
    let found = text.split('&').filter_map(|p| p.split_once('=')).find(|(n, _)| *n == name)?.1;
    Some(percent_encoding::percent_decode_str(found).decode_utf8().unwrap().into_owned())
}

pub type Answer = Result<Response<Bytes>, TransportError>;
type Handler = Box<dyn FnMut(&Sent) -> Answer + Send>;

/// Answers by a closure and keeps what was sent.
#[derive(Clone)]
pub struct Script {
    handler: Arc<Mutex<Handler>>,
    pub sent: Arc<Mutex<Vec<Sent>>>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

impl Script {
    pub fn new(handler: impl FnMut(&Sent) -> Answer + Send + 'static) -> Self {
        Self { handler: Arc::new(Mutex::new(Box::new(handler))), sent: Arc::default() }
    }

    /// One answer after the other; panics when there are too few.
    pub fn of(answers: Vec<Answer>) -> Self {
        let mut answers = answers.into_iter();
        Self::new(move |sent| answers.next().unwrap_or_else(|| panic!("no answer for {}", sent.url)))
    }

    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request<Bytes>, options: &SendOptions) -> Answer {
        let sent = Sent::of(&request, options);
        self.sent.lock().unwrap().push(sent.clone());
        tokio::task::yield_now().await;
        (self.handler.lock().unwrap())(&sent)
    }
}

pub fn answer(status: u16, body: &str) -> Answer {
    answer_with(status, &[], body)
}

pub fn answer_with(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    Ok(builder.body(Bytes::copy_from_slice(body.as_bytes())).unwrap())
}

pub fn lost(sent: bool) -> Answer {
    let kind = if sent { TransportKind::Interrupted } else { TransportKind::Connect };
    Err(TransportError { kind, sent, message: "scripted".to_owned() })
}

pub fn sts_answer(id: &str, ends: &str) -> Answer {
    answer(
        200,
        &format!(
            r#"{{"RequestId":"r","Credentials":{{"AccessKeyId":"{id}","AccessKeySecret":"{id}-secret","SecurityToken":"{id}-token","Expiration":"{ends}"}}}}"#
        ),
    )
}

/// The scripted world.
#[derive(Debug)]
pub struct World {
    pub env: Arc<MapEnv>,
    pub files: Arc<MapFiles>,
    pub clock: JumpClock,
    pub script: Script,
}

impl World {
    pub fn new(script: Script) -> Self {
        let world = Self { env: Arc::default(), files: Arc::default(), clock: JumpClock::default(), script };
        world.set("HOME", HOME);
        world
    }

    pub fn set(&self, name: &str, value: &str) {
        self.env.0.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    pub fn file(&self, path: &str, content: &str) {
        self.files.0.lock().unwrap().insert(Path::new(HOME).join(path), content.as_bytes().to_vec());
    }

    pub fn runtime(&self) -> Runtime {
        let mut runtime = Runtime::with_transport(Arc::new(self.script.clone()));
        runtime.env = Arc::clone(&self.env) as Arc<dyn Env>;
        runtime.files = Arc::clone(&self.files) as Arc<dyn FileRead>;
        runtime.entropy = Arc::new(SeqEntropy::default());
        runtime.clock = Arc::new(self.clock.clone());
        runtime.spawner = Arc::new(TokioSpawner);
        #[cfg(feature = "process")]
        {
            runtime.processes = Some(Arc::new(Echo));
        }
        runtime
    }
}

/// The one program of the scripted world.
#[cfg(feature = "process")]
#[derive(Debug)]
pub struct Echo;

#[cfg(feature = "process")]
#[async_trait]
impl oos_aliyun::transport::ProcessRun for Echo {
    async fn run(&self, argv: &[String], _: std::time::Duration) -> std::io::Result<Vec<u8>> {
        match argv {
            [program, text] if program == "/bin/echo" => Ok(text.clone().into_bytes()),
            _ => Err(Error::from(ErrorKind::NotFound)),
        }
    }
}
