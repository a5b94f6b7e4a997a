//! What is known about the hosts of a product. Resolution (overrides, order, caching) is the client's business
//! (aliyun-client 4.1).

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value as Json;

/// The rule by which a host is made from product and region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EndpointRule {
    /// `<product>.<region>.aliyuncs.com`.
    #[default]
    Regional,
    /// `<product>.aliyuncs.com`.
    Central,
}

/// Endpoint facts of one product version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndpointFacts {
    /// The name of the product in hosts.
    pub product: Arc<str>,
    /// The rule for regions that no map holds.
    pub rule: EndpointRule,
    /// Region → public host, from the official packages; wins over the rule.
    pub hosts: BTreeMap<Arc<str>, Arc<str>>,
    /// Region → public host, from the published metadata; after `hosts`.
    pub published: BTreeMap<Arc<str>, Arc<str>>,
    /// Region → host inside a VPC.
    pub vpc_hosts: BTreeMap<Arc<str>, Arc<str>>,
    /// Host for every region.
    pub global: Option<Arc<str>>,
    /// Code for the location service, where it is not the product id.
    pub location_code: Option<Arc<str>>,
    /// Host with `{account}`, `{bucket}` and `{region}`, for services whose hosts name the account or bucket.
    pub pattern: Option<Arc<str>>,
}

/// Location codes that the tables lack (aliyun-client 4.1).
const LOCATION_CODES: [(&str, &str); 4] =
    [("sas-api", "sas"), ("chatbot", "beebot"), ("aegis", "vipaegis"), ("cds", "codepipeline")];

/// Hosts that name an account or bucket (service-model 10).
const PATTERNS: [(&str, &str); 4] = [
    ("mns", "{account}.mns.{region}.aliyuncs.com"),
    ("fc-open", "{account}.{region}.fc.aliyuncs.com"),
    ("eventbridge", "{account}.eventbridge.{region}.aliyuncs.com"),
    ("oss", "{bucket}.oss-{region}.aliyuncs.com"),
];

/// Central products whose packages leave the rule empty (aliyun-client 4.1; marked UNSURE there).
const CENTRAL_WITHOUT_RULE: [&str; 1] = ["resourcecenter"];

/// The host of the location service for every region.
const LOCATION_HOST: &str = "location-readonly.aliyuncs.com";

impl EndpointFacts {
    pub(crate) fn parse(product: &str, json: &Json) -> Self {
        let text = |key: &str| json.get(key).and_then(Json::as_str).map(Arc::<str>::from);
        let look_up = |table: &[(&str, &str)]| table.iter().find(|(id, _)| *id == product).map(|(_, v)| Arc::from(*v));
        let central = text("r").as_deref() == Some("central") || CENTRAL_WITHOUT_RULE.contains(&product);
        Self {
            product: text("i").unwrap_or_else(|| product.into()),
            rule: if central { EndpointRule::Central } else { EndpointRule::Regional },
            hosts: hosts(json, "h"),
            published: hosts(json, "m"),
            vpc_hosts: hosts(json, "v"),
            global: text("g").or_else(|| (product == "location").then(|| LOCATION_HOST.into())),
            location_code: text("l").or_else(|| look_up(&LOCATION_CODES)),
            pattern: look_up(&PATTERNS),
        }
    }

    /// The host by the rule; `network` is the empty text or `vpc`.
    pub fn rule_host(&self, region: &str, network: &str) -> String {
        let dash = if network.is_empty() { "" } else { "-" };
        match self.rule {
            EndpointRule::Regional => format!("{}{dash}{network}.{region}.aliyuncs.com", self.product),
            EndpointRule::Central => format!("{}{dash}{network}.aliyuncs.com", self.product),
        }
    }
}

fn hosts(json: &Json, key: &str) -> BTreeMap<Arc<str>, Arc<str>> {
    let pairs = json.get(key).and_then(Json::as_object).into_iter().flatten();
    pairs.filter_map(|(region, host)| Some((region.as_str().into(), host.as_str()?.into()))).collect()
}
