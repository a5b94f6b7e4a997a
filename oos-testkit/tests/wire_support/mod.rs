//! A real client on a test bed's clock: sockets are real, waits are virtual.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{
    cell::RefCell,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;
use bytes::Bytes;
use oos_aliyun::{
    Client, ClientBuilder,
    credential::{RoleMap, StaticKeys},
    transport::{Env, FileRead, Runtime, SendOptions, Transport, TransportError, reqwest::ReqwestTransport},
};
use oos_core::ports::{ApiCaller, ApiError, ApiRequest, ApiResponse};
use oos_testkit::{
    Executor, TestBed, VirtualClock,
    server::{ORIGIN_HEADER, Server, origin_header},
};
use tokio::runtime::Handle;

/// Sends real requests from any executor, and holds the clock while they are under way. Every host is at the server's
/// address.
pub(crate) struct ToServer {
    inner: ReqwestTransport,
    clock: VirtualClock,
    runtime: Handle,
    address: String,
}

impl fmt::Debug for ToServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ToServer({:?})", self.inner)
    }
}

impl ToServer {
    pub(crate) fn new(server: &Server) -> Self {
        Self {
            inner: ReqwestTransport::all_hosts_at(server.address()).unwrap(),
            clock: server.cloud().clock().clone(),
            runtime: server.runtime().unwrap().clone(),
            address: server.address().to_string(),
        }
    }
}

#[async_trait]
impl Transport for ToServer {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        options: &SendOptions,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let _hold = self.clock.hold("an exchange with the server");
        let (inner, options) = (self.inner.clone(), options.clone());
        let mut request = plain(request, &self.address);
        if let Some(origin) = ORIGIN.with_borrow(Option::clone) {
            request.headers_mut().insert(ORIGIN_HEADER, origin.parse().unwrap());
        }
        let exchange = self.runtime.spawn(async move { inner.send(request, &options).await });
        exchange.await.unwrap()
    }
}

/// The same request without TLS, which no signature covers; the metadata service is a number, not a name.
fn plain(request: http::Request<Bytes>, address: &str) -> http::Request<Bytes> {
    let (mut parts, body) = request.into_parts();
    if parts.uri.host() == Some("100.100.100.200") {
        parts.uri = format!("http://{address}{}", parts.uri.path()).parse().unwrap();
    }
    let (host, path) = (parts.uri.authority().unwrap(), parts.uri.path_and_query().map_or("/", |p| p.as_str()));
    parts.uri = format!("http://{host}{path}").parse().unwrap();
    http::Request::from_parts(parts, body)
}

/// No variables, no files.
#[derive(Debug)]
pub(crate) struct Nothing;

impl Env for Nothing {
    fn var(&self, _: &str) -> Option<String> {
        None
    }
}

impl FileRead for Nothing {
    fn read(&self, _: &std::path::Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

/// These variables, and one text in whatever file is asked for.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) vars: Vec<(&'static str, String)>,
    pub(crate) file: &'static str,
}

impl Env for Surroundings {
    fn var(&self, name: &str) -> Option<String> {
        self.vars.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone())
    }
}

impl FileRead for Surroundings {
    fn read(&self, path: &std::path::Path) -> std::io::Result<Vec<u8>> {
        match path.ends_with("token") {
            true => Ok(self.file.as_bytes().to_vec()),
            false => Err(std::io::ErrorKind::NotFound.into()),
        }
    }
}

/// Everything outside, for a client that lives on an executor's time.
pub(crate) fn runtime(server: &Server, executor: &Executor) -> Runtime {
    let mut runtime = Runtime::with_transport(Arc::new(ToServer::new(server)));
    runtime.env = Arc::new(Nothing);
    runtime.files = Arc::new(Nothing);
    runtime.clock = Arc::new(server.cloud().clock().clone());
    runtime.spawner = Arc::new(executor.clone());
    runtime
}

/// A client with the server's own key.
pub(crate) fn client(server: &Server, executor: &Executor) -> Client {
    builder(server, executor).build().unwrap()
}

/// The same before it is built.
pub(crate) fn builder(server: &Server, executor: &Executor) -> ClientBuilder {
    Client::builder()
        .runtime(runtime(server, executor))
        .credentials(StaticKeys::new(server.key_id(), server.secret()))
        .account(server.cloud().account_id().to_string())
        .region("cn-hangzhou")
}

thread_local! {
    /// Who makes the call that is being polled on this thread.
    static ORIGIN: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A bed's way to its cloud: client, socket, server.
#[derive(Debug)]
struct Wired {
    client: Client,
    // Serves as long as somebody may call.
    _server: Arc<Server>,
}

/// A future that says who makes it whenever it runs.
struct As<F> {
    origin: String,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for As<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<F::Output> {
        ORIGIN.set(Some(self.origin.clone()));
        let poll = self.future.as_mut().poll(ctx);
        ORIGIN.set(None);
        poll
    }
}

#[async_trait]
impl ApiCaller for Wired {
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        let origin = origin_header(&request.origin);
        As { origin, future: Box::pin(self.client.call(request)) }.await
    }
}

/// The same bed with every call going through the real client and a socket; the check is that they did.
pub(crate) fn over_http(bed: TestBed) -> (TestBed, Box<dyn Fn()>) {
    let server = Arc::new(Server::builder(bed.cloud()).unsigned("mns").start().unwrap());
    let bed = wired(bed, &server, |client| client);
    let cloud = bed.cloud().clone();
    let check = move || {
        // Calls of the test itself have no origin, nor have those that get a key.
        let calls = cloud.calls().when(|call| call.origin.execution.is_some()).len();
        let exchanges = server.exchanges().iter().filter(|e| e.product != "sts").count();
        assert!(exchanges > 0 && exchanges == calls, "{exchanges} exchanges, {calls} calls of executions");
    };
    (bed, Box::new(check))
}

/// The same over a server and with client settings of the test's own.
pub(crate) fn wired(bed: TestBed, server: &Arc<Server>, set: impl FnOnce(ClientBuilder) -> ClientBuilder) -> TestBed {
    // Roles that only the service can assume stand for its own role here.
    let map = ["AliyunServiceRoleForOOSInstanceScheduler", "AliyunServiceRoleForOOSSystemEventOperator"];
    let map = map.iter().fold(RoleMap::new(), |map, role| map.with(role, "OOSServiceRole").unwrap());
    let client = set(builder(server, bed.executor()).roles(map)).build().unwrap();
    bed.api(Wired { client, _server: Arc::clone(server) })
}
