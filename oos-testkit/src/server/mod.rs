//! A fake cloud behind a socket of this machine, in the real wire format.
//!
//! ```no_run
//! # fn main() -> std::io::Result<()> {
//! use oos_testkit::{FakeCloud, server::Server};
//!
//! let cloud = FakeCloud::new();
//! let server = Server::builder(&cloud).real_time(1).start()?;
//! println!("endpoint {}, key {}, secret {}", server.endpoint(), server.key_id(), server.secret());
//! # Ok(()) }
//! ```
//!
//! Clients of any language can be pointed at it: RPC by query and form, ROA, object storage by path and by host, both
//! styles of signatures, the token service, the metadata service and a credentials URI. Requests are verified with the
//! signing code of `oos-aliyun`, decoded by the embedded catalogue, and answered by the cloud or by whoever is
//! [mounted](ServerBuilder::mount) for the product.
//!
//! There is no TLS: it could not be had without certificates in every client. The signature of MNS is not known here:
//! see [`ServerBuilder::unsigned`].

mod answer;
mod decode;
mod handle;
mod host;
mod keys;
mod metadata;
mod origin;
mod request;
mod serve;
mod trouble;
mod verify;
mod xml;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use oos_core::{catalogue::service_id, ports::ApiCaller};

pub use self::{
    decode::{Decoded, decode},
    handle::Exchange,
    keys::Identity,
    origin::{ORIGIN_HEADER, origin_header},
    request::WireRequest,
    trouble::{Trouble, TroubleBuilder},
};
use self::{
    handle::{Settings, Shared},
    keys::{Key, Keys},
};
use crate::FakeCloud;

/// The access key that every server knows; see [`Identity::Service`] for whose it is.
const KEY_ID: &str = "LTAIfake";
const SECRET: &str = "fake-secret-of-the-service";

/// Settings of a [`Server`].
#[derive(Debug)]
#[must_use]
pub struct ServerBuilder {
    cloud: FakeCloud,
    settings: Settings,
    keys: Keys,
    port: u16,
}

impl ServerBuilder {
    /// Calls of a product (any spelling: `OOS`, `oos`) go to another caller. It gets decoded calls with wire names, the
    /// region that the host names, and the role of a temporary key, or the user of a key, as its ARN in
    /// [`role`](oos_core::ports::ApiRequest).
    /// It is called on a multi-threaded tokio runtime.
    pub fn mount(mut self, product: &str, caller: Arc<dyn ApiCaller>) -> Self {
        self.settings.mounts.insert(service_id(product).to_string(), caller);
        self
    }

    /// One more access key.
    pub fn access_key(self, id: &str, secret: &str, identity: Identity) -> Self {
        let key = Key { secret: secret.to_owned(), token: None, since: self.cloud.now(), until: None, identity };
        self.keys.add(id, key);
        self
    }

    /// Calls of a product need no signature: for gateways that sign in a way of their own.
    pub fn unsigned(mut self, product: &str) -> Self {
        self.settings.unsigned.insert(service_id(product).to_string());
        self
    }

    /// The metadata service gives keys of this role.
    pub fn instance_role(mut self, role: &str) -> Self {
        self.settings.instance_role = Some(role.to_owned());
        self
    }

    /// The credentials URI gives keys of this role.
    pub fn uri_role(mut self, role: &str) -> Self {
        self.settings.uri_role = Some(role.to_owned());
        self
    }

    /// A token that `AssumeRoleWithOIDC` believes.
    pub fn oidc_token(mut self, token: &str) -> Self {
        self.settings.oidc_tokens.insert(token.to_owned());
        self
    }

    /// The cloud's clock starts at the real time and runs that many times as fast: for clients that live in real time.
    /// Signatures are compared with the real time. Without this the clock is the test's, and so must the client's be.
    pub fn real_time(mut self, pace: u32) -> Self {
        self.settings.pace = Some(pace);
        self
    }

    /// A port of one's own; else a free one is taken.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts serving on 127.0.0.1.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub fn start(self) -> io::Result<Server> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("fake-cloud")
            .enable_all()
            .build()?;
        let shared = Arc::new(Shared::new(self.cloud, self.settings, self.keys));
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        runtime.spawn(serve::serve(listener, Arc::clone(&shared)));
        Ok(Server { shared, address, runtime: Some(runtime) })
    }
}

/// Serves a fake cloud until it is dropped.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Server {
    /// A server in the making.
    pub fn builder(cloud: &FakeCloud) -> ServerBuilder {
        let builder =
            ServerBuilder { cloud: cloud.clone(), settings: Settings::default(), keys: Keys::default(), port: 0 };
        builder.access_key(KEY_ID, SECRET, Identity::Service)
    }

    /// Serves a cloud with the defaults.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(cloud: &FakeCloud) -> io::Result<Self> {
        Self::builder(cloud).start()
    }

    /// Address and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:<port>`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The credentials URI.
    pub fn credentials_uri(&self) -> String {
        format!("{}{}", self.endpoint(), metadata::URI_PATH)
    }

    /// The id of the key that every server knows.
    pub fn key_id(&self) -> &'static str {
        KEY_ID
    }

    /// Its secret.
    pub fn secret(&self) -> &'static str {
        SECRET
    }

    /// The cloud.
    pub fn cloud(&self) -> &FakeCloud {
        &self.shared.cloud
    }

    /// The runtime that serves; what is mounted may run tasks on it.
    pub fn runtime(&self) -> Option<&tokio::runtime::Handle> {
        self.runtime.as_ref().map(tokio::runtime::Runtime::handle)
    }

    /// Trouble on the wire for exchanges of a product and operation; `*` stands for any text.
    pub fn trouble(&self, product: &str, api: &str) -> TroubleBuilder<'_> {
        TroubleBuilder::new(self, product, api)
    }

    /// The exchanges so far, in the order of their answers.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.exchanges()
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Drop for Server {
    /// Never waits: connections may hang on purpose.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
