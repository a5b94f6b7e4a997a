//! Where the ids of root executions come from.

use std::fmt::Debug;

use crate::ExecutionId;

/// Makes ids of root executions: `exec-` and 20 characters of `[0-9a-z]` (service-model 1).
///
/// # Implementing
/// Never give the same id twice over the life of a store. Child ids are derived from the root's.
pub trait IdSource: Debug + Send + Sync + 'static {
    /// A new id.
    fn execution_id(&self) -> ExecutionId;
}

/// Writes a number as `exec-` and 20 characters in base 36.
pub fn execution_id_of(mut number: u128) -> ExecutionId {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut text = [b'0'; 20];
    for slot in text.iter_mut().rev() {
        let digit = usize::try_from(number % 36).unwrap_or(0);
        *slot = DIGITS.get(digit).copied().unwrap_or(b'0');
        number /= 36;
    }
    ExecutionId::new(format!("exec-{}", String::from_utf8_lossy(&text)))
}

/// Random ids.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn execution_id(&self) -> ExecutionId {
        execution_id_of(uuid::Uuid::new_v4().as_u128())
    }
}
