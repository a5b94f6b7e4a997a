//! Product and region → host (aliyun-client 4.1).
//!
//! No lookup over the network by default. A private network never takes the map of public hosts, which the official
//! SDKs do by mistake. Everything that enters a host name is checked first: it may come from a template.

use std::{collections::BTreeMap, fmt::Debug};

use async_trait::async_trait;

/// Which side of the endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Network {
    /// From anywhere.
    #[default]
    Public,
    /// From inside a VPC.
    Vpc,
}

/// Where a product lives when no map says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// `<product>.<region>.aliyuncs.com`.
    #[default]
    Regional,
    /// `<product>.aliyuncs.com`.
    Central,
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
    async fn resolve(&self, product: &str, region: Option<&str>, network: Network) -> Result<String, EndpointError>;
}

/// Map by product and region, else the rule; the default.
#[derive(Clone, Debug)]
pub struct RuleResolver {
    rules: BTreeMap<String, Rule>,
    map: BTreeMap<(String, String), String>,
}

/// Products that live in one place.
const CENTRAL: [&str; 12] = [
    "alidns", "bssopenapi", "cbn", "cdn", "config", "ims", "location", "quotas", "ram", "resourcecenter",
    "resourcemanager", "servicemesh",
];

/// Hosts that the rules do not give; `*` is every region. CHOICE: only those without which main regions fail; the
/// full map comes with the catalogue.
const MAPPED: &[(&str, &str, &str)] = &[
    ("bssopenapi", "*", "business.aliyuncs.com"),
    ("bssopenapi", "ap-southeast-1", "business.ap-southeast-1.aliyuncs.com"),
    ("config", "ap-southeast-1", "config.ap-southeast-1.aliyuncs.com"),
    ("config", "cn-shanghai", "config.cn-shanghai.aliyuncs.com"),
    ("cms", "*", "metrics.{region}.aliyuncs.com"),
    ("fc", "*", "fcv3.{region}.aliyuncs.com"),
    ("r-kvstore", "cn-hangzhou", "r-kvstore.aliyuncs.com"),
    ("tag", "us-west-1", "tag.us-east-1.aliyuncs.com"),
];

impl Default for RuleResolver {
    fn default() -> Self {
        let rules = CENTRAL.iter().map(|product| ((*product).to_owned(), Rule::Central)).collect();
        let entry = |(product, region, host): &(&str, &str, &str)| {
            (((*product).to_owned(), (*region).to_owned()), (*host).to_owned())
        };
        Self { rules, map: MAPPED.iter().map(entry).collect() }
    }
}

impl RuleResolver {
    /// Sets the rule of a product.
    #[must_use]
    pub fn rule(mut self, product: &str, rule: Rule) -> Self {
        self.rules.insert(product.to_ascii_lowercase(), rule);
        self
    }

    /// Sets the host of a product in a region; `*` is every region, `{region}` in the host stands for it.
    #[must_use]
    pub fn host(mut self, product: &str, region: &str, host: &str) -> Self {
        self.map.insert((product.to_ascii_lowercase(), region.to_owned()), host.to_owned());
        self
    }

    fn mapped(&self, product: &str, region: Option<&str>) -> Option<String> {
        let of = |region: &str| self.map.get(&(product.to_owned(), region.to_owned()));
        let host = region.and_then(of).or_else(|| of("*"))?;
        match (host.contains("{region}"), region) {
            (false, _) => Some(host.clone()),
            (true, Some(region)) => Some(host.replace("{region}", region)),
            (true, None) => None,
        }
    }
}

#[async_trait]
impl EndpointResolver for RuleResolver {
    async fn resolve(&self, product: &str, region: Option<&str>, network: Network) -> Result<String, EndpointError> {
        let product = product.to_ascii_lowercase();
        region.map(check_region).transpose()?;
        if network == Network::Public
            && let Some(host) = self.mapped(&product, region)
        {
            return Ok(host);
        }
        rule_host(&product, region, self.rules.get(&product).copied().unwrap_or_default(), network)
    }
}

/// The host by rule alone: `<product>[-vpc][.<region>].aliyuncs.com`.
///
/// # Errors
/// When the product is no host label, or a regional product has no region.
pub fn rule_host(product: &str, region: Option<&str>, rule: Rule, network: Network) -> Result<String, EndpointError> {
    let product = product.to_ascii_lowercase();
    check("product", &product, &product, 1..=64)?;
    let side = if network == Network::Vpc { "-vpc" } else { "" };
    match (rule, region) {
        (Rule::Central, _) => Ok(format!("{product}{side}.aliyuncs.com")),
        (Rule::Regional, Some(region)) => Ok(format!("{product}{side}.{}.aliyuncs.com", check_region(region)?)),
        (Rule::Regional, None) => Err(EndpointError::NoRegion(product)),
    }
}

/// The text, if it may be a region.
///
/// # Errors
/// When it has other characters than `a-z 0-9 -`, or is too short or long.
pub fn check_region(region: &str) -> Result<&str, EndpointError> {
    check("region", region, region, 2..=64)
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
    check("bucket name", bucket, bucket, 3..=63)
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
    text: &str,
    out: &'a str,
    lengths: std::ops::RangeInclusive<usize>,
) -> Result<&'a str, EndpointError> {
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    match plain && lengths.contains(&text.len()) {
        true => Ok(out),
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
        futures::executor::block_on(RuleResolver::default().resolve(product, region, network))
    }

    #[test]
    fn rules_and_map() {
        let public = |product, region| resolve(product, Some(region), Network::Public).unwrap();
        assert_eq!(public("OOS", "cn-hangzhou"), "oos.cn-hangzhou.aliyuncs.com");
        assert_eq!(public("ram", "cn-hangzhou"), "ram.aliyuncs.com");
        assert_eq!(public("cms", "eu-central-1"), "metrics.eu-central-1.aliyuncs.com");
        assert_eq!(public("bssopenapi", "cn-hangzhou"), "business.aliyuncs.com");
        assert_eq!(public("ecs", "xx-new-9"), "ecs.xx-new-9.aliyuncs.com");
        assert_eq!(public("tag", "us-west-1"), "tag.us-east-1.aliyuncs.com");
    }

    #[test]
    fn a_private_network_never_takes_a_public_host() {
        let vpc = |product| resolve(product, Some("cn-hangzhou"), Network::Vpc).unwrap();
        assert_eq!(vpc("ecs"), "ecs-vpc.cn-hangzhou.aliyuncs.com");
        assert_eq!(vpc("r-kvstore"), "r-kvstore-vpc.cn-hangzhou.aliyuncs.com");
    }

    #[test]
    fn the_endpoint_rules_of_the_vectors() {
        let text = include_str!("../tests/vectors/params.json");
        let all = oos_core::Value::from_json_str(text).unwrap();
        let rules = all.get("endpoint_rules").and_then(oos_core::Value::as_list).unwrap();
        assert_eq!(rules.len(), 5);
        for vector in rules {
            let text = |key: &str| vector.get(key).and_then(oos_core::Value::as_str);
            let rule = if text("endpoint_type") == Some("regional") { Rule::Regional } else { Rule::Central };
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
