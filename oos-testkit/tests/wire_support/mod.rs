//! A real client on a test bed's clock: sockets are real, waits are virtual.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use oos_aliyun::{
    Client, ClientBuilder,
    credential::StaticKeys,
    transport::{Env, FileRead, Runtime, SendOptions, Transport, TransportError, reqwest::ReqwestTransport},
};
use oos_testkit::{Executor, VirtualClock, server::Server};
use tokio::runtime::Handle;

/// Sends real requests from any executor, and holds the clock while they are under way. Every host is at the server's
/// address.
pub(crate) struct ToServer {
    inner: ReqwestTransport,
    clock: VirtualClock,
    runtime: Handle,
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
        let request = plain(request);
        let exchange = self.runtime.spawn(async move { inner.send(request, &options).await });
        exchange.await.unwrap()
    }
}

/// The same request without TLS, which no signature covers.
fn plain(request: http::Request<Bytes>) -> http::Request<Bytes> {
    let (mut parts, body) = request.into_parts();
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
