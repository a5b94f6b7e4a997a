//! Product and region → host (aliyun-client 4.1).
//!
//! No lookup over the network by default. A private network never takes the map of public hosts, which the official
//! SDKs do by mistake. Everything that enters a host name is checked first: it may come from a template.

use std::fmt::Debug;

use async_trait::async_trait;
use oos_core::catalogue::{Catalogue, EndpointFacts, EndpointRule};

/// Which side of the endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Network {
    /// From anywhere.
    #[default]
    Public,
    /// From inside a VPC.
    Vpc,
    /// From the inner network.
    Internal,
}

impl Network {
    /// The name in hosts.
    fn label(self) -> &'static str {
        match self {
            Self::Public => "",
            Self::Vpc => "vpc",
            Self::Internal => "internal",
        }
    }
}

/// What an endpoint is wanted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndpointQuery<'a> {
    /// Product id.
    pub product: &'a str,
    /// Version, where the caller knows it.
    pub version: Option<&'a str>,
    /// Region.
    pub region: Option<&'a str>,
    /// Account whose id the host names.
    pub account: Option<&'a str>,
    /// Network.
    pub network: Network,
}

/// Why there is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// A regional product without a region.
    #[error("`{0}` needs a region: give RegionId, or a default region to the client")]
    NoRegion(String),
    /// A text that must not enter a host name.
    #[error("`{value}` is not a {what}")]
    Invalid {
        /// What it should be.
        what: &'static str,
        /// The text.
        value: String,
    },
    /// A lookup failed.
    #[error("no endpoint for `{product}` in `{region}`: {message}")]
    Lookup {
        /// Product.
        product: String,
        /// Region.
        region: String,
        /// Why.
        message: String,
    },
}

/// Resolves hosts.
///
/// # Implementing
/// Give a host, with a port if it is not the default one; a scheme `http://` in front means plain HTTP.
#[async_trait]
pub trait EndpointResolver: Debug + Send + Sync + 'static {
    /// The host of a product in a region.
    ///
    /// # Errors
    /// When there is none.
    async fn resolve(&self, query: &EndpointQuery<'_>) -> Result<String, EndpointError>;
}

/// Map of the catalogue, else its rule; the default. Buckets are put in front by the client.
#[derive(Clone, Copy, Debug, Default)]
pub struct CatalogueResolver;

#[async_trait]
impl EndpointResolver for CatalogueResolver {
    async fn resolve(&self, query: &EndpointQuery<'_>) -> Result<String, EndpointError> {
        let product = check("product", query.product, 1..=64)?;
        let region = query.region.map(check_region).transpose()?;
        let known = Catalogue::embedded().endpoint_facts(product, query.version);
        let known = known.or_else(|| Catalogue::embedded().endpoint_facts(product, None));
        let unknown = || EndpointFacts { product: product.into(), ..EndpointFacts::default() }.into();
        let facts = known.unwrap_or_else(unknown);
        match (query.account, &facts.pattern) {
            _ if product == "oss" => object_storage_host(need(product, region)?, query.network),
            (Some(account), Some(pattern)) => account_host(pattern, account, need(product, region)?),
            _ => mapped_or_rule(&facts, product, region, query.network),
        }
    }
}

fn need<'a>(product: &str, region: Option<&'a str>) -> Result<&'a str, EndpointError> {
    region.ok_or_else(|| EndpointError::NoRegion(product.to_owned()))
}

/// A private network never takes the map of public hosts.
fn mapped_or_rule(
    facts: &EndpointFacts,
    product: &str,
    region: Option<&str>,
    network: Network,
) -> Result<String, EndpointError> {
    let of = |map: &std::collections::BTreeMap<std::sync::Arc<str>, _>| map.get(region?).map(ToString::to_string);
    let mapped = match network {
        Network::Public => {
            of(&facts.hosts).or_else(|| of(&facts.published)).or_else(|| facts.global.as_ref().map(ToString::to_string))
        }
        Network::Vpc => of(&facts.vpc_hosts),
        Network::Internal => None,
    };
    match (mapped, facts.rule) {
        (Some(host), _) => Ok(host),
        (None, EndpointRule::Central) => Ok(facts.rule_host("", network.label())),
        (None, EndpointRule::Regional) => Ok(facts.rule_host(need(product, region)?, network.label())),
    }
}

fn object_storage_host(region: &str, network: Network) -> Result<String, EndpointError> {
    let side = if network == Network::Public { "" } else { "-internal" };
    // Somebody may write the region as it stands in the host.
    let region = region.strip_prefix("oss-").unwrap_or(region);
    Ok(format!("oss-{region}{side}.aliyuncs.com"))
}

/// CHOICE: the private hosts of these services are in no source at hand, so every network gets the public one.
fn account_host(pattern: &str, account: &str, region: &str) -> Result<String, EndpointError> {
    Ok(pattern.replace("{account}", check_account(account)?).replace("{region}", region))
}

/// The host by rule alone, for a product that the catalogue may not know.
///
/// # Errors
/// When the product is no host label, or a regional product has no region.
pub fn rule_host(
    product: &str,
    region: Option<&str>,
    rule: EndpointRule,
    network: Network,
) -> Result<String, EndpointError> {
    let product = product.to_ascii_lowercase();
    check("product", &product, 1..=64)?;
    let facts = EndpointFacts { product: product.as_str().into(), rule, ..EndpointFacts::default() };
    mapped_or_rule(&facts, &product, region.map(check_region).transpose()?, network)
}

/// The text, if it may be a region.
///
/// # Errors
/// When it has other characters than `a-z 0-9 -`, or is too short or long.
pub fn check_region(region: &str) -> Result<&str, EndpointError> {
    check("region", region, 2..=64)
}

/// The text, if it may be a bucket.
///
/// # Errors
/// See the naming rules of buckets.
pub fn check_bucket(bucket: &str) -> Result<&str, EndpointError> {
    let edges = [bucket.chars().next(), bucket.chars().last()];
    if edges.contains(&Some('-')) {
        return Err(EndpointError::Invalid { what: "bucket name", value: bucket.to_owned() });
    }
    check("bucket name", bucket, 3..=63)
}

/// The text, if it may be an account id.
///
/// # Errors
/// When it is not digits only.
pub fn check_account(account: &str) -> Result<&str, EndpointError> {
    match !account.is_empty() && account.len() <= 32 && account.bytes().all(|b| b.is_ascii_digit()) {
        true => Ok(account),
        false => Err(EndpointError::Invalid { what: "account id", value: account.to_owned() }),
    }
}

fn check<'a>(
    what: &'static str,
    text: &'a str,
    lengths: std::ops::RangeInclusive<usize>,
) -> Result<&'a str, EndpointError> {
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    match plain && lengths.contains(&text.len()) {
        true => Ok(text),
        false => Err(EndpointError::Invalid { what, value: text.chars().take(64).collect() }),
    }
}

/// Scheme and host of an endpoint as somebody wrote it.
///
/// # Errors
/// When it is no host.
pub fn split_endpoint(endpoint: &str) -> Result<(&'static str, String), EndpointError> {
    let (scheme, host) = match endpoint.split_once("://") {
        Some(("http", host)) => ("http", host),
        Some(("https", host)) => ("https", host),
        Some(_) => return Err(EndpointError::Invalid { what: "endpoint", value: endpoint.to_owned() }),
        None => ("https", endpoint),
    };
    let host = host.trim_end_matches('/');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':' | b'[' | b']');
    match !host.is_empty() && host.bytes().all(allowed) {
        true => Ok((scheme, host.to_owned())),
        false => Err(EndpointError::Invalid { what: "endpoint", value: endpoint.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(product: &str, region: Option<&str>, network: Network) -> Result<String, EndpointError> {
        let query = EndpointQuery { product, region, network, ..EndpointQuery::default() };
        futures::executor::block_on(CatalogueResolver.resolve(&query))
    }

    #[test]
    fn map_then_rule() {
        let public = |product, region| resolve(product, Some(region), Network::Public).unwrap();
        assert_eq!(public("oos", "cn-hangzhou"), "oos.cn-hangzhou.aliyuncs.com");
        assert_eq!(public("ecs", "cn-hangzhou"), "ecs-cn-hangzhou.aliyuncs.com");
        assert_eq!(public("ram", "cn-hangzhou"), "ram.aliyuncs.com");
        assert_eq!(public("cms", "eu-central-1"), "metrics.eu-central-1.aliyuncs.com");
        assert_eq!(public("bssopenapi", "cn-hangzhou"), "business.aliyuncs.com");
        assert_eq!(public("ecs", "xx-new-9"), "ecs.xx-new-9.aliyuncs.com");
        assert_eq!(public("tag", "us-west-1"), "tag.us-east-1.aliyuncs.com");
        assert_eq!(public("no-such-product", "cn-hangzhou"), "no-such-product.cn-hangzhou.aliyuncs.com");
        assert_eq!(public("oss", "cn-hangzhou"), "oss-cn-hangzhou.aliyuncs.com");
    }

    #[test]
    fn hosts_that_name_an_account() {
        let (region, account) = (Some("cn-hangzhou"), Some("123"));
        let query = EndpointQuery { product: "mns", region, account, ..EndpointQuery::default() };
        let host = futures::executor::block_on(CatalogueResolver.resolve(&query)).unwrap();
        assert_eq!(host, "123.mns.cn-hangzhou.aliyuncs.com");
        let query = EndpointQuery { account: Some("evil.com/"), ..query };
        assert!(futures::executor::block_on(CatalogueResolver.resolve(&query)).is_err());
    }

    #[test]
    fn a_private_network_never_takes_a_public_host() {
        let vpc = |product| resolve(product, Some("cn-hangzhou"), Network::Vpc).unwrap();
        assert_eq!(vpc("ecs"), "ecs-vpc.cn-hangzhou.aliyuncs.com");
        assert_eq!(vpc("oss"), "oss-cn-hangzhou-internal.aliyuncs.com");
        assert_eq!(vpc("oos"), "oos-vpc.cn-hangzhou.aliyuncs.com");
    }

    #[test]
    fn the_endpoint_rules_of_the_vectors() {
        let text = include_str!("../tests/vectors/params.json");
        let all = oos_core::Value::from_json_str(text).unwrap();
        let rules = all.get("endpoint_rules").and_then(oos_core::Value::as_list).unwrap();
        assert_eq!(rules.len(), 5);
        for vector in rules {
            let text = |key: &str| vector.get(key).and_then(oos_core::Value::as_str);
            let rule =
                if text("endpoint_type") == Some("regional") { EndpointRule::Regional } else { EndpointRule::Central };
            let network = if text("network") == Some("vpc") { Network::Vpc } else { Network::Public };
            let host = rule_host(text("product").unwrap(), text("region_id"), rule, network);
            assert_eq!(host.as_deref().ok(), text("output_python"));
        }
    }

    #[test]
    fn nothing_strange_enters_a_host() {
        for region in ["evil.com/", "cn@x", "", "CN-Hangzhou", "a#b", &"x".repeat(65)] {
            assert!(resolve("ecs", Some(region), Network::Public).is_err(), "{region}");
        }
        assert!(resolve("ecs.evil.com#", Some("cn-hangzhou"), Network::Public).is_err());
        assert!(check_bucket("-a-").is_err() && check_bucket("a.b").is_err() && check_bucket("ab").is_err());
        assert!(check_account("12a").is_err() && check_account("123").is_ok());
        assert!(split_endpoint("https://user@evil.com").is_err() && split_endpoint("ftp://x").is_err());
        assert_eq!(split_endpoint("http://127.0.0.1:80/"), Ok(("http", "127.0.0.1:80".to_owned())));
    }

    #[test]
    fn a_regional_product_without_a_region_says_so() {
        let error = resolve("ecs", None, Network::Public).unwrap_err();
        assert_eq!(error.to_string(), "`ecs` needs a region: give RegionId, or a default region to the client");
    }
}
