//! From a request to a reply: decode, verify, carry out, write down.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use oos_core::{
    Map, Timestamp, Value,
    engine::TokioClock,
    ports::{ApiCaller, ApiError, ApiRequest, ApiResponse, Clock},
};

use super::{
    answer::{self, Reply},
    decode::{Decoded, decode},
    keys::{Identity, Key, Keys},
    metadata,
    request::WireRequest,
    trouble::{self, Rule, Sending, Trouble},
    verify::verify,
};
use crate::{FakeCloud, cloud::ram, waiver::Waiver};

/// What a server is made with.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// Product id → who answers its calls instead of the cloud.
    pub(crate) mounts: BTreeMap<String, Arc<dyn ApiCaller>>,
    /// Products whose calls need no signature.
    pub(crate) unsigned: BTreeSet<String>,
    pub(crate) instance_role: Option<String>,
    pub(crate) uri_role: Option<String>,
    pub(crate) oidc_tokens: BTreeSet<String>,
    /// Cloud seconds per real second; `None` leaves the clock to the test.
    pub(crate) pace: Option<u32>,
}

/// One exchange as the server saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// Product id.
    pub product: String,
    /// Operation.
    pub api: String,
    /// Access key id.
    pub key: String,
    /// Nonce of the signature.
    pub nonce: String,
    /// Number of the repeat, as the client says.
    pub retry: String,
    /// Status of the answer; 0 where there was none.
    pub status: u16,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) cloud: FakeCloud,
    pub(crate) settings: Settings,
    pub(crate) keys: Keys,
    troubles: Mutex<Vec<Rule>>,
    exchanges: Mutex<Vec<Exchange>>,
    issued: AtomicU64,
    /// Real time and cloud time when the server was started.
    started: (Timestamp, Timestamp),
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(cloud: FakeCloud, settings: Settings, keys: Keys) -> Self {
        let real = TokioClock.now();
        if settings.pace.is_some() {
            cloud.clock().advance_to(real);
        }
        let started = (real, cloud.now());
        let (troubles, exchanges, issued) = (Mutex::default(), Mutex::default(), AtomicU64::new(0));
        Self { cloud, settings, keys, troubles, exchanges, issued, started }
    }

    /// The time that signatures are compared with: the cloud's, or the real one where the cloud follows that.
    pub(crate) fn now(&self) -> Timestamp {
        if self.settings.pace.is_some() { TokioClock.now() } else { self.cloud.now() }
    }

    /// Lets the cloud's clock follow real time.
    pub(crate) fn follow_real_time(&self) {
        if let Some(pace) = self.settings.pace {
            let passed = TokioClock.now().since(self.started.0);
            self.cloud.clock().advance_to(self.started.1 + passed * pace);
        }
    }

    pub(crate) fn add_trouble(&self, rule: Rule) {
        lock(&self.troubles).push(rule);
    }

    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.exchanges).clone()
    }

    /// Id, secret and token of a temporary key.
    pub(crate) fn fresh_names(&self) -> (String, String, String) {
        let n = self.issued.fetch_add(1, Ordering::Relaxed) + 1;
        (format!("STS.served{n:06}"), format!("served-secret-{n:06}"), format!("served-token-{n:06}"))
    }

    /// Answers a request.
    pub(crate) async fn handle(&self, request: WireRequest) -> (Reply, Sending) {
        self.follow_real_time();
        if let Some(answer) = metadata::answer(self, &request) {
            return (Reply::Answer(answer), Sending::Whole);
        }
        let decoded = match decode(&request) {
            Ok(decoded) => decoded,
            Err(error) => return (Reply::Answer(answer::failure(None, &self.dressed(error))), Sending::Whole),
        };
        let trouble = trouble::judge(&mut lock(&self.troubles), &decoded.product, &decoded.request.api);
        let (reply, sending) = match trouble.as_ref().and_then(Trouble::instead) {
            Some(reply) => (reply, Sending::Whole),
            None => {
                let outcome = self.carry_out(&request, &decoded).await;
                trouble::bend(trouble.as_ref(), answer::reply(&decoded, outcome))
            }
        };
        lock(&self.exchanges).push(exchange(&request, &decoded, &reply));
        (reply, sending)
    }

    async fn carry_out(&self, request: &WireRequest, decoded: &Decoded) -> Result<ApiResponse, ApiError> {
        let identity = self.identity(request, decoded).map_err(|error| self.dressed(error))?;
        let mut call = decoded.request.clone();
        if let Some(mounted) = self.settings.mounts.get(&*decoded.product) {
            match &identity {
                Some(Identity::Role { account, name }) => call.role = format!("acs:ram::{account}:role/{name}").into(),
                Some(Identity::User(name)) => {
                    call.role = format!("acs:ram::{}:user/{name}", self.cloud.account_id()).into();
                }
                _ => {}
            }
            return mounted.call(call).await;
        }
        let sts = &*decoded.product == "sts";
        let identity = match identity {
            None if sts && &*call.api == "AssumeRoleWithOIDC" => {
                call = self.by_oidc(call).map_err(|error| self.dressed(error))?;
                Some(Identity::Service)
            }
            other => other,
        };
        let assumes = sts && &*call.api == "AssumeRole";
        let caller = identity.unwrap_or(Identity::Service).caller(&self.cloud.account_id(), assumes);
        let (cloud, asked) = (self.cloud.clone(), call.clone());
        let answer = async move { cloud.call_as(asked, caller).await };
        // The caller may hold the clock while it waits for us, and a slow call needs the clock to run.
        let answer = Waiver::new(self.cloud.clock().clone(), Box::pin(answer)).await?;
        if assumes {
            self.remember(&call, &answer.body);
        }
        Ok(answer)
    }

    /// Who calls; `None` where nobody needs to sign.
    fn identity(&self, request: &WireRequest, decoded: &Decoded) -> Result<Option<Identity>, ApiError> {
        if self.settings.unsigned.contains(&*decoded.product) {
            return Ok(None);
        }
        let identity = verify(request, decoded, &self.keys, self.now(), |key| self.ended_early(key))?;
        let open = &*decoded.product == "sts" && &*decoded.request.api == "AssumeRoleWithOIDC";
        if identity.is_none() && !open {
            // CHOICE: the code; no source names the one for a call without any signature.
            return Err(ApiError::service("MissingAccessKeyId", 400, "AccessKeyId is mandatory for this action."));
        }
        Ok(identity)
    }

    /// True for a temporary key that a fault of the cloud has ended.
    fn ended_early(&self, key: &Key) -> bool {
        let at = self.cloud.with(|state| state.rules.expire_tokens_at).filter(|at| *at <= self.cloud.now());
        key.token.is_some() && at.is_some_and(|at| key.since < at)
    }

    /// The same call as the service itself makes it, when the token is one of those that are believed.
    fn by_oidc(&self, call: ApiRequest) -> Result<ApiRequest, ApiError> {
        let mut parameters = call.parameters.as_map().cloned().unwrap_or_default();
        let token = parameters.remove("OIDCToken").unwrap_or_default().to_text();
        parameters.remove("OIDCProviderArn");
        if !self.settings.oidc_tokens.contains(&*token) {
            return Err(ApiError::service("AuthenticationFail.OIDCToken.Invalid", 400, "The OIDC token is invalid."));
        }
        Ok(ApiRequest { api: "AssumeRole".into(), parameters: parameters.into(), ..call })
    }

    /// A key that the token service has given out is known from now on.
    fn remember(&self, call: &ApiRequest, body: &Value) {
        let of = |name: &str| body.at(&["Credentials", name]).to_text().to_string();
        let role = call.parameters.at(&["RoleArn"]).to_text();
        let Some((account, name)) = ram::hops(&role, &self.cloud.account_id()).pop() else { return };
        let key = Key {
            secret: of("AccessKeySecret"),
            token: Some(of("SecurityToken")),
            since: self.cloud.now(),
            until: Timestamp::parse(&of("Expiration")).ok(),
            identity: Identity::Role { account, name },
        };
        self.keys.add(&of("AccessKeyId"), key);
    }

    /// An error of the gateway itself gets a request id as every other.
    fn dressed(&self, error: ApiError) -> ApiError {
        let ApiError::Service { code, message, http_status, retry_after, body, .. } = error else { return error };
        let id: Arc<str> = self.cloud.with(|state| state.ids.request_id()).into();
        let mut members = Map::new();
        members.insert("RequestId", id.clone());
        members.insert("HostId", "gateway.localhost");
        for (name, value) in body.as_map().into_iter().flat_map(Map::iter) {
            members.insert(name.clone(), value.clone());
        }
        ApiError::Service { code, message, http_status, request_id: Some(id), retry_after, body: members.into() }
    }
}

fn exchange(request: &WireRequest, decoded: &Decoded, reply: &Reply) -> Exchange {
    let authorization = request.header("authorization").unwrap_or_default();
    let key = authorization.split_once("Credential=").map_or("", |(_, rest)| rest);
    let of = |name: &str| request.header(name).unwrap_or_default().to_owned();
    Exchange {
        product: decoded.product.to_string(),
        api: decoded.request.api.to_string(),
        key: key.split([',', '/']).next().unwrap_or_default().to_owned(),
        nonce: of("x-acs-signature-nonce"),
        retry: of("x-acs-retry-attempts"),
        status: match reply {
            Reply::Answer(answer) => answer.status,
            Reply::Closed => 0,
        },
    }
}
