//! What a host name says: product, region, account, bucket.
//!
//! Clients that are pointed at an address say nothing by it; those that keep the real host name (through a proxy, or a
//! name that leads here) and those that use `<name>.localhost` do.

use std::{collections::BTreeMap, sync::OnceLock};

use oos_core::catalogue::Catalogue;

/// Facts of a host name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HostFacts {
    pub(crate) product: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) bucket: Option<String>,
}

const ENDINGS: [&str; 2] = [".aliyuncs.com", ".localhost"];

/// Reads a host, with or without a port.
pub(crate) fn read(host: &str) -> HostFacts {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |h| h.0);
    let name = name.to_ascii_lowercase();
    let Some(stem) = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)) else { return HostFacts::default() };
    let labels: Vec<&str> = stem.split('.').collect();
    if let Some(at) = labels.iter().position(|l| *l == "oss" || l.starts_with("oss-")) {
        return object_storage(&labels, at);
    }
    if let Some(facts) = with_account(&labels) {
        return facts;
    }
    let known = mapped().get(stem);
    let (first, region) = match labels.as_slice() {
        [first] => (*first, None),
        [first, region, ..] => (*first, Some(*region)),
        [] => return HostFacts::default(),
    };
    let first = first.strip_suffix("-vpc").or_else(|| first.strip_suffix("-internal")).unwrap_or(first);
    let (product, of_map) = known.map_or((first, None), |(product, region)| (product.as_str(), region.as_deref()));
    HostFacts {
        product: Some(product.to_owned()),
        region: region.or(of_map).map(str::to_owned),
        ..HostFacts::default()
    }
}

/// `bucket.oss-cn-hangzhou-internal`.
fn object_storage(labels: &[&str], at: usize) -> HostFacts {
    let bucket = labels.get(..at).unwrap_or_default().join(".");
    let region = labels.get(at).and_then(|l| l.strip_prefix("oss-")).filter(|region| *region != "accelerate");
    let region = region.map(|region| region.strip_suffix("-internal").unwrap_or(region).to_owned());
    HostFacts {
        product: Some("oss".to_owned()),
        region,
        bucket: Some(bucket).filter(|bucket| !bucket.is_empty()),
        account: None,
    }
}

/// `account.region.fc`, `account.mns.region`, `account.eventbridge.region`.
fn with_account(labels: &[&str]) -> Option<HostFacts> {
    let (account, product, region) = match labels {
        [account, region, "fc"] => (account, "fc", region),
        [account, product @ ("mns" | "eventbridge"), region] => (account, *product, region),
        _ => return None,
    };
    let digits = account.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| HostFacts {
        product: Some(product.to_owned()),
        region: Some((*region).to_owned()),
        account: Some((*account).to_owned()),
        bucket: None,
    })
}

/// Hosts of the catalogue's maps without their ending: the product, and the region where only one has that host or the
/// host names it.
fn mapped() -> &'static BTreeMap<String, (String, Option<String>)> {
    static MAPPED: OnceLock<BTreeMap<String, (String, Option<String>)>> = OnceLock::new();
    MAPPED.get_or_init(|| {
        let catalogue = Catalogue::embedded();
        let mut regions: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
        for product in catalogue.products() {
            let Some(facts) = catalogue.endpoint_facts(&product, None) else { continue };
            for (region, host) in facts.hosts.iter().chain(&facts.published).chain(&facts.vpc_hosts) {
                let Some(stem) = host.strip_suffix(".aliyuncs.com") else { continue };
                let entry = regions.entry(stem.to_owned()).or_insert_with(|| (product.to_string(), Vec::new()));
                if *entry.0 == *product && !entry.1.iter().any(|r| **r == **region) {
                    entry.1.push(region.to_string());
                }
            }
        }
        regions
            .into_iter()
            .map(|(stem, (product, list))| {
                let region = named(&stem, &list);
                (stem, (product, region))
            })
            .collect()
    })
}

fn named(stem: &str, regions: &[String]) -> Option<String> {
    match regions {
        [one] => Some(one.clone()),
        // The longest that fits: `cn-hangzhou-finance` before `cn-hangzhou`.
        many => many.iter().filter(|region| stem.contains(region.as_str())).max_by_key(|region| region.len()).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(host: &str) -> (String, String, String) {
        let facts = read(host);
        let text = |t: Option<String>| t.unwrap_or_default();
        (text(facts.product), text(facts.region), text(facts.account.or(facts.bucket)))
    }

    #[test]
    fn hosts_name_product_region_account_and_bucket() {
        let cases = [
            ("ecs-cn-hangzhou.aliyuncs.com", ("ecs", "cn-hangzhou", "")),
            ("ecs-vpc.cn-hangzhou.aliyuncs.com:80", ("ecs", "cn-hangzhou", "")),
            ("rds.aliyuncs.com", ("rds", "", "")),
            ("metrics.cn-hangzhou.aliyuncs.com", ("cms", "cn-hangzhou", "")),
            ("oos.cn-beijing.localhost:4566", ("oos", "cn-beijing", "")),
            ("pail.oss-cn-hangzhou-internal.aliyuncs.com", ("oss", "cn-hangzhou", "pail")),
            ("oss-accelerate.aliyuncs.com", ("oss", "", "")),
            ("123.cn-hangzhou.fc.aliyuncs.com", ("fc", "cn-hangzhou", "123")),
            ("123.mns.cn-hangzhou.aliyuncs.com", ("mns", "cn-hangzhou", "123")),
            ("127.0.0.1:4566", ("", "", "")),
            ("localhost:4566", ("", "", "")),
        ];
        for (host, expected) in cases {
            let (product, region, other) = facts(host);
            assert_eq!((product.as_str(), region.as_str(), other.as_str()), expected, "{host}");
        }
    }
}
