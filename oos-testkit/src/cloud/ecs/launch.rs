//! Launch templates. (What RunInstances takes from them.)

use oos_core::{Map, ports::ApiError};

use crate::cloud::{api::Ctx, params::Params};

/// Parameters of RunInstances that the named launch template gives; empty when none is named.
#[expect(clippy::unnecessary_wraps, reason = "becomes fallible with launch templates")]
pub(crate) fn data_for_run(_ctx: &Ctx<'_>, _p: &Params) -> Result<Map, ApiError> {
    Ok(Map::new())
}
