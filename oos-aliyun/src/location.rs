//! The location service: endpoints of products and regions that no table knows (aliyun-client 4.1). On request only.
//!
//! CHOICE: asked between map and rule. The rule always gives a host, so after it nobody would ask.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use oos_core::{Timestamp, Value, catalogue::Catalogue, ports::credential::CredentialError};

use crate::{
    credential::{Cached, sts::Sts},
    endpoint::{EndpointError, EndpointQuery, EndpointResolver, Network, check_region, split_endpoint},
    transport::Runtime,
};

const HOST: &str = "location-readonly.aliyuncs.com";
const VERSION: &str = "2015-06-12";
const KEPT: Duration = Duration::from_secs(3600);
const KEPT_NEGATIVE: Duration = Duration::from_secs(600);

/// Product, region and type of endpoint.
type Key = (String, String, &'static str);

/// Asks the location service for what the catalogue's map does not have, and lets another resolver do the rest.
#[derive(Debug)]
pub(crate) struct LocationResolver {
    inner: Arc<dyn EndpointResolver>,
    runtime: Runtime,
    service: Sts,
    credentials: Cached,
    known: Mutex<BTreeMap<Key, (Timestamp, Option<String>)>>,
}

impl LocationResolver {
    pub(crate) fn new(inner: Arc<dyn EndpointResolver>, runtime: Runtime, credentials: Cached) -> Self {
        let service = Sts::new(runtime.clone()).endpoint(Some(HOST.to_owned())).version(VERSION);
        Self { inner, runtime, service, credentials, known: Mutex::default() }
    }

    /// The host, remembered or asked for; `None` when the service does not know it or does not answer.
    async fn look_up(&self, product: &str, region: &str, kind: &'static str) -> Option<String> {
        let key = (product.to_owned(), region.to_owned(), kind);
        if let Some(kept) = self.remembered(&key) {
            return kept;
        }
        let host = match self.ask(product, region, kind).await {
            Ok(host) => host,
            Err(error) => {
                tracing::debug!(product, region, "the location service does not help: {error}");
                None
            }
        };
        let until = self.runtime.clock.now() + if host.is_some() { KEPT } else { KEPT_NEGATIVE };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, (until, host.clone()));
        host
    }

    fn remembered(&self, key: &Key) -> Option<Option<String>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.runtime.clock.now();
        known.get(key).filter(|(until, _)| now < *until).map(|(_, host)| host.clone())
    }

    async fn ask(&self, product: &str, region: &str, kind: &str) -> Result<Option<String>, CredentialError> {
        let Some(provided) = self.credentials.get().await? else { return Ok(None) };
        let facts = Catalogue::embedded().endpoint_facts(product, None);
        let code = facts.and_then(|facts| facts.location_code.clone()).unwrap_or_else(|| product.into());
        let form = [("Id", region), ("ServiceCode", &*code), ("Type", kind)];
        let form: Vec<_> = form.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let answer = self.service.call("location", "DescribeEndpoints", &form, Some(&provided.credential)).await?;
        Ok(host_in(&answer, &code, kind))
    }
}

/// The first endpoint of that type and code; the service misspells its own field.
fn host_in(answer: &Value, code: &str, kind: &str) -> Option<String> {
    let list = answer.at(&["Endpoints", "Endpoint"]).as_list()?;
    let text = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
    let fits = |item: &&Value| {
        let service = text(item, "ServiceCode").or_else(|| text(item, "SerivceCode"));
        text(item, "Type").as_deref() == Some(kind) && service.is_none_or(|service| service.eq_ignore_ascii_case(code))
    };
    let host = text(list.iter().find(fits)?, "Endpoint")?;
    split_endpoint(&host).is_ok().then_some(host)
}

#[async_trait]
impl EndpointResolver for LocationResolver {
    async fn resolve(&self, query: &EndpointQuery<'_>) -> Result<String, EndpointError> {
        let kind = match query.network {
            Network::Public => Some("openAPI"),
            Network::Internal => Some("innerAPI"),
            Network::Vpc => None,
        };
        let own_host = query.product == "oss" || query.account.is_some();
        if let (Some(region), Some(kind), false) = (query.region, kind, own_host || is_mapped(query)) {
            check_region(region)?;
            if let Some(host) = self.look_up(query.product, region, kind).await {
                return Ok(host);
            }
        }
        self.inner.resolve(query).await
    }
}

fn is_mapped(query: &EndpointQuery<'_>) -> bool {
    let Some(facts) = Catalogue::embedded().endpoint_facts(query.product, query.version) else { return false };
    let has = |region: &str| facts.hosts.contains_key(region) || facts.published.contains_key(region);
    query.network == Network::Public && (facts.global.is_some() || query.region.is_some_and(has))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_endpoint_of_the_right_type_whatever_the_spelling() {
        let text = r#"{"Endpoints":{"Endpoint":[
            {"Endpoint":"inner.example.com","Type":"innerAPI","SerivceCode":"ecs"},
            {"Endpoint":"other.example.com","Type":"openAPI","SerivceCode":"rds"},
            {"Endpoint":"ecs.example.com","Type":"openAPI","SerivceCode":"ecs"}]}}"#;
        let answer = Value::from_json_str(text).unwrap();
        assert_eq!(host_in(&answer, "ecs", "openAPI").as_deref(), Some("ecs.example.com"));
        assert_eq!(host_in(&answer, "ecs", "innerAPI").as_deref(), Some("inner.example.com"));
        assert_eq!(host_in(&Value::Null, "ecs", "openAPI"), None);
    }
}
