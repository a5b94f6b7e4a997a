//! The clock.

use std::fmt::Debug;

use futures::future::BoxFuture;

use crate::Timestamp;

/// Tells the time and waits.
///
/// # Implementing
/// `now` never goes back between two calls of one process. A future of `sleep_until` is ready at or after its
/// deadline, at once when that is past, and may be dropped at any time.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
    /// Ready at `deadline`.
    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<'static, ()>;
    /// The same for upkeep that no execution waits for. A clock of virtual time does not jump for it: it is ready as soon
    /// as the time has passed for another reason.
    fn sleep_in_background(&self, deadline: Timestamp) -> BoxFuture<'static, ()> {
        self.sleep_until(deadline)
    }
}
