//! The parameter store: `{{ oos:NAME }}` and `{{ oos-secret:NAME }}`.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Value, ports::store::StoreError};

/// A reference to a stored parameter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ParameterRef {
    /// True for `oos-secret:`.
    pub secret: bool,
    /// The name, which may hold slashes.
    pub name: Arc<str>,
    /// A version, our extension; the newest without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

impl fmt::Display for ParameterRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", if self.secret { "oos-secret" } else { "oos" }, self.name)?;
        self.version.map_or(Ok(()), |v| write!(f, ":{v}"))
    }
}

impl fmt::Debug for ParameterRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A value of the store. `Debug` shows no secret.
#[derive(Clone, PartialEq)]
pub struct ParameterValue {
    /// What was asked for.
    pub reference: ParameterRef,
    /// The value: text, or a list for a `StringList`.
    pub value: Value,
}

impl fmt::Debug for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.reference.secret { "******".to_owned() } else { self.value.to_string() };
        write!(f, "{}={value}", self.reference)
    }
}

/// Reads stored parameters.
///
/// # Implementing
/// Answer what exists; a name that does not exist is left out of the answer (the step then ends with
/// `EntityNotExists.Parameter`). An error means that the store could not be asked.
#[async_trait]
pub trait ParameterStore: fmt::Debug + Send + Sync + 'static {
    /// The values of `names`, in any order.
    ///
    /// # Errors
    /// When the store cannot be reached or refuses.
    async fn get(&self, names: &[ParameterRef]) -> Result<Vec<ParameterValue>, StoreError>;
}
