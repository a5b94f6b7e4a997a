//! The small services: a few operations each. What they know is put there by the test
//! ([`FakeCloud::put`](super::FakeCloud::put)).

mod business;
mod container;
mod inner;
mod secret;
mod security;
mod setup;

use std::sync::Arc;

use oos_core::{Map, Value, ports::ApiError};

pub use self::setup::Orders;
pub(crate) use self::{
    business::{BSS_APIS, CLOUD_API_APIS, COMPUTE_NEST_APIS, SHARING_APIS},
    container::{CR_APIS, ECI_APIS, SAE_APIS},
    inner::{ALB_APIS, BUS_APIS, CDN_APIS, EHPC_APIS, ENS_APIS, MNS_APIS, STARAGENT_APIS, TRAIL_APIS, WAF_APIS},
    secret::SECRET_APIS,
    security::{KMS_APIS, SAS_APIS},
};
use super::{api::Ctx, store::Kind};

/// The view of a resource that must exist.
fn view(ctx: &mut Ctx<'_>, kind: Kind, id: &str, unknown: &str) -> Result<Map, ApiError> {
    ctx.s.described(kind, id);
    ctx.need(kind, id, unknown).map(super::store::Resource::view)
}

/// The views of all resources of a kind, or of the wanted ones.
fn views(ctx: &mut Ctx<'_>, kind: Kind, wanted: Option<&[Arc<str>]>) -> Vec<Value> {
    let ids = ctx.ids(kind, wanted, |_| true);
    ids.iter().for_each(|id| ctx.s.described(kind, id));
    ids.iter().filter_map(|id| ctx.find(kind, id)).map(|r| Value::from(r.view())).collect()
}
