//! Where drivers run.

use std::fmt::Debug;

use futures::future::BoxFuture;

/// Runs drivers: one future per root execution.
///
/// # Implementing
/// Run the future to its end, on any thread; dropping it stops the execution where it is, to be resumed later.
pub trait Spawner: Debug + Send + Sync + 'static {
    /// Runs `driver` in the background.
    fn spawn(&self, driver: BoxFuture<'static, ()>);
}
