//! The embedded API catalogue (feature `catalogue`): official names, places and forms of parameters, paging style,
//! idempotency tokens, response shapes and endpoint facts of 60 products; and on top of it the one normaliser of
//! parameter spellings and the one page loop.
//!
//! Actions, fake cloud, loopback server and real client all need the same answers, and may depend on this crate only.
//! Everything here is pure. The data file is written by `examples/generate_catalogue.rs`. A product is inflated when it
//! is first asked for, an operation parsed when it is first asked for; later look-ups cost a binary search.
//!
//! Absent on purpose: enums and descriptions (the sources have none that can be trusted), HTTP, signing.

mod alias;
mod data;
mod endpoint;
mod normalise;
mod operation;
mod paging;
mod probe;
mod ram;
mod route;
mod shape;
mod tree;
mod wire;

use std::sync::{Arc, OnceLock};

pub use endpoint::{EndpointFacts, EndpointRule};
pub use normalise::{NormaliseOptions, Normalised, UnknownLists, normalise};
pub use operation::{Form, Kind, Operation, PageNames, Paging, Parameter, Place, Repeat, Style};
pub use paging::{MAX_PAGES, Pages, call_all_pages};
pub use probe::{Done, Input, Probe};
pub use ram::ram_code;
pub use shape::Shape;
pub use tree::Canonical;
pub use wire::{decode, encode, flatten, scalar_text};

use self::data::Product;

/// All products and their operations.
#[derive(Debug)]
pub struct Catalogue {
    products: Vec<Product>,
}

impl Catalogue {
    /// The catalogue that is compiled into this crate.
    pub fn embedded() -> &'static Self {
        static EMBEDDED: OnceLock<Catalogue> = OnceLock::new();
        EMBEDDED.get_or_init(|| Self { products: data::products(include_bytes!("catalogue.bin")) })
    }

    /// The operation `api` of `service`, both in any case. Without `version`, the oldest version that has it, which is
    /// always the one that the tables of the called operations name (aliyun-client 2.1).
    pub fn operation(&self, service: &str, api: &str, version: Option<&str>) -> Option<Arc<Operation>> {
        self.versions(service)
            .filter(|product| version.is_none_or(|v| &*product.version == v))
            .find_map(|product| product.operation(api))
    }

    /// The ROA operation that `method` and `uri` call (query allowed), as a template writes them: without a leading
    /// version segment, too.
    pub fn operation_by_uri(&self, service: &str, method: &str, uri: &str) -> Option<Arc<Operation>> {
        self.route(service, method, uri).map(|(operation, _)| operation)
    }

    /// All operations that `method` and `uri` may call; where there are several, their parameters tell.
    pub fn operations_by_uri(&self, service: &str, method: &str, uri: &str) -> Vec<Arc<Operation>> {
        let of = |product: &Product| {
            let found = route::find_all(product.routes(), method, uri);
            found.into_iter().filter_map(|(api, _)| product.operation(&api)).collect::<Vec<_>>()
        };
        self.versions(service).map(of).find(|found| !found.is_empty()).unwrap_or_default()
    }

    /// As [`Self::operation_by_uri`], with the values of the holes.
    pub(crate) fn route(&self, service: &str, method: &str, uri: &str) -> Option<(Arc<Operation>, route::Holes)> {
        self.versions(service).find_map(|product| {
            let (api, holes) = route::find(product.routes(), method, uri)?;
            Some((product.operation(&api)?, holes))
        })
    }

    /// The operation `api` of version `version`, whatever the product: for servers, which are told nothing else. Two
    /// products share a version now and then; none of their operations share a name.
    pub fn operation_of_version(&self, version: &str, api: &str) -> Option<Arc<Operation>> {
        self.products.iter().filter(|p| &*p.version == version).find_map(|p| p.operation(api))
    }

    /// Ids of the products that have a version `version`, sorted.
    pub fn products_of_version(&self, version: &str) -> Vec<Arc<str>> {
        self.products.iter().filter(|p| &*p.version == version).map(|p| p.id.clone()).collect()
    }

    /// Ids of all products, sorted, each once.
    pub fn products(&self) -> Vec<Arc<str>> {
        let mut ids: Vec<_> = self.products.iter().map(|p| p.id.clone()).collect();
        ids.dedup();
        ids
    }

    /// True when `service` names a product of the catalogue.
    pub fn has_service(&self, service: &str) -> bool {
        self.versions(service).next().is_some()
    }

    /// Official names of the operations of `service` in all its versions, sorted, each once. For hints.
    pub fn operations(&self, service: &str) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.versions(service).flat_map(Product::names).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Versions of `service` in the catalogue, oldest first.
    pub fn api_versions(&self, service: &str) -> Vec<Arc<str>> {
        self.versions(service).map(|p| p.version.clone()).collect()
    }

    /// Endpoint facts of a product (or service) in its version `version`, else in its oldest.
    pub fn endpoint_facts(&self, product: &str, version: Option<&str>) -> Option<Arc<EndpointFacts>> {
        let mut versions = self.versions(product);
        versions.find(|p| version.is_none_or(|v| &*p.version == v)).map(Product::endpoint)
    }

    fn versions(&self, service: &str) -> impl Iterator<Item = &Product> {
        let family = family(&service_id(service));
        let mut found: Vec<_> = self.products.iter().filter(|p| family.iter().any(|id| **id == *p.id)).collect();
        found.sort_by(|a, b| a.version.cmp(&b.version));
        found.into_iter()
    }
}

/// The service id in lower case, other names of a product folded (aliyun-client 2.1).
pub fn service_id(service: &str) -> Arc<str> {
    let lower = service.trim().to_ascii_lowercase();
    match lower.as_str() {
        "bss" => "bssopenapi".into(),
        "redis" | "kvstore" => "r-kvstore".into(),
        _ => lower.into(),
    }
}

/// Product ids that serve one service id: data and control plane of MNS, two generations of FC.
fn family(service: &str) -> Vec<Arc<str>> {
    match service {
        "mns" => vec!["mns".into(), "mns-open".into()],
        "fc" => vec!["fc-open".into(), "fc".into()],
        other => vec![other.into()],
    }
}
