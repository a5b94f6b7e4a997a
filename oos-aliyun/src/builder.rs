//! Putting a client together.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use oos_core::{
    catalogue::{NormaliseOptions, service_id},
    ports::{Clock, Spawner},
};

use crate::{
    client::{Client, Inner},
    credential::{Credentials, RoleMap, config_file::ConfigFile, default_chain, role_chain::Roles, sts::Sts},
    endpoint::{CatalogueResolver, EndpointResolver, Network},
    location::LocationResolver,
    request::user_agent,
    retry::{Limiter, RetryPolicy, TokenBucket},
    sign::RequestSigner,
    transport::{Runtime, Transport, TransportError},
};

/// CHOICE: calls at once per product and region (aliyun-client 4.2).
const CONCURRENCY: usize = 16;

/// Why a client cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The transport cannot be set up.
    #[error("the transport cannot be set up: {0}")]
    Transport(#[from] TransportError),
    /// No transport is built in and none was given.
    #[error("no transport: give one, or build with `tls-ring` or `tls-aws-lc-rs`")]
    NoTransport,
}

/// Settings of a [`Client`]; all optional.
#[derive(Debug, Default)]
#[must_use]
pub struct ClientBuilder {
    runtime: Option<Runtime>,
    transport: Option<Arc<dyn Transport>>,
    clock: Option<Arc<dyn Clock>>,
    spawner: Option<Arc<dyn Spawner>>,
    credentials: Option<Credentials>,
    region: Option<String>,
    profile: Option<String>,
    config_file: Option<PathBuf>,
    network: Option<Network>,
    endpoint: Option<String>,
    endpoints: BTreeMap<String, String>,
    resolver: Option<Arc<dyn EndpointResolver>>,
    signers: BTreeMap<String, Arc<dyn RequestSigner>>,
    versions: BTreeMap<String, Arc<str>>,
    normalise: NormaliseOptions,
    policy: RetryPolicy,
    attempt_timeout: Option<Duration>,
    concurrency: Option<usize>,
    user_agent: String,
    roles: RoleMap,
    account: Option<String>,
    sts_endpoint: Option<String>,
    location_service: bool,
}

impl ClientBuilder {
    /// Everything outside at once; [`Self::transport`], [`Self::clock`] and [`Self::spawner`] still replace parts of it.
    pub fn runtime(mut self, runtime: Runtime) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// HTTP; else reqwest.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Time; else the machine's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Where credentials are refreshed; else the present tokio runtime.
    pub fn spawner(mut self, spawner: Arc<dyn Spawner>) -> Self {
        self.spawner = Some(spawner);
        self
    }

    /// Who calls; else the default chain.
    pub fn credentials(mut self, credentials: impl Into<Credentials>) -> Self {
        self.credentials = Some(credentials.into());
        self
    }

    /// Region of calls that name none; else `ALIBABA_CLOUD_REGION_ID`, else the profile's.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Profile of the CLI's file, for the default region and the default chain.
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// The CLI's file, for the default region and the default chain.
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.config_file = Some(path.into());
        self
    }

    /// Which side of the endpoints; else the profile's, else public.
    pub fn network(mut self, network: Network) -> Self {
        self.network = Some(network);
        self
    }

    /// Endpoint of one product.
    pub fn endpoint_for(mut self, product: &str, endpoint: impl Into<String>) -> Self {
        self.endpoints.insert(service_id(product).to_string(), endpoint.into());
        self
    }

    /// Endpoint of all products that have none of their own; else `ALIBABA_CLOUD_ENDPOINT`, else the profile's.
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// How endpoints are found; else by the catalogue.
    pub fn resolver(mut self, resolver: Arc<dyn EndpointResolver>) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// How requests of one product are signed.
    pub fn signer(mut self, product: &str, signer: Arc<dyn RequestSigner>) -> Self {
        self.signers.insert(service_id(product).to_string(), signer);
        self
    }

    /// Version of one product; else that of the catalogue.
    pub fn version(mut self, product: &str, version: &str) -> Self {
        self.versions.insert(service_id(product).to_string(), version.into());
        self
    }

    /// How spellings of parameters are read.
    pub fn normalise(mut self, options: NormaliseOptions) -> Self {
        self.normalise = options;
        self
    }

    /// How [`Client::call_with_retries`] repeats.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Time limit of every attempt; else 30 s, and more for calls that are known to take long.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// Calls at once per product and region; else 16.
    pub fn concurrency(mut self, calls: usize) -> Self {
        self.concurrency = Some(calls);
        self
    }

    /// Added to the user agent, as is `ALIBABA_CLOUD_USER_AGENT`.
    pub fn user_agent(mut self, extra: impl Into<String>) -> Self {
        self.user_agent = extra.into();
        self
    }

    /// Roles that stand for others.
    pub fn roles(mut self, roles: RoleMap) -> Self {
        self.roles = roles;
        self
    }

    /// The own account, for roles without one; else it is asked for once.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Endpoint of the token service for role chains.
    pub fn sts_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.sts_endpoint = Some(endpoint.into());
        self
    }

    /// Asks the location service for endpoints that are in no table.
    pub fn location_service(mut self, ask: bool) -> Self {
        self.location_service = ask;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// When there is no transport.
    pub fn build(self) -> Result<Client, BuildError> {
        let runtime = self.built_runtime()?;
        let file = ConfigFile::new(runtime.clone(), self.config_file.clone(), self.profile.clone());
        let region =
            self.region.or_else(|| runtime.var("ALIBABA_CLOUD_REGION_ID")).or_else(|| file.setting("region_id"));
        let from_env = || runtime.var("ALIBABA_CLOUD_ENDPOINT");
        let endpoint = self.endpoint.or_else(from_env).or_else(|| file.setting("endpoint"));
        let in_vpc = || file.setting("endpoint_type").is_some_and(|kind| kind.eq_ignore_ascii_case("vpc"));
        let network = self.network.unwrap_or_else(|| if in_vpc() { Network::Vpc } else { Network::Public });
        let agents = [runtime.var("ALIBABA_CLOUD_USER_AGENT").unwrap_or_default(), self.user_agent].join(" ");
        let mut credentials = self.credentials.unwrap_or_else(default_chain);
        if let Credentials::Chain(options) = &mut credentials {
            options.profile = options.profile.take().or(self.profile);
            options.config_file = options.config_file.take().or(self.config_file);
        }
        let sts = Sts::new(runtime.clone()).endpoint(self.sts_endpoint).vpc(network == Network::Vpc);
        let own = credentials.build(&runtime);
        let mut resolver = self.resolver.unwrap_or_else(|| Arc::new(CatalogueResolver));
        if self.location_service {
            resolver = Arc::new(LocationResolver::new(resolver, runtime.clone(), own.clone()));
        }
        let roles = Roles::new(runtime.clone(), own, sts, self.roles, self.account);
        Ok(Client(Arc::new(Inner {
            roles,
            region,
            network,
            endpoint,
            endpoints: self.endpoints,
            resolver,
            signers: self.signers,
            versions: self.versions,
            normalise: self.normalise,
            policy: self.policy,
            attempt_timeout: self.attempt_timeout,
            user_agent: user_agent(agents.trim()),
            bucket: TokenBucket::default(),
            limiter: Limiter::new(self.concurrency.unwrap_or(CONCURRENCY)),
            skew: std::sync::atomic::AtomicI64::new(0),
            runtime,
        })))
    }

    fn built_runtime(&self) -> Result<Runtime, BuildError> {
        let mut runtime = match (&self.runtime, &self.transport) {
            (Some(runtime), _) => runtime.clone(),
            (None, Some(transport)) => Runtime::with_transport(Arc::clone(transport)),
            (None, None) => system_runtime()?,
        };
        if let Some(transport) = &self.transport {
            runtime.transport = Arc::clone(transport);
        }
        if let Some(clock) = &self.clock {
            runtime.clock = Arc::clone(clock);
        }
        if let Some(spawner) = &self.spawner {
            runtime.spawner = Arc::clone(spawner);
        }
        Ok(runtime)
    }
}

#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
fn system_runtime() -> Result<Runtime, BuildError> {
    Ok(Runtime::system()?)
}

#[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc-rs")))]
fn system_runtime() -> Result<Runtime, BuildError> {
    Err(BuildError::NoTransport)
}
