//! Clock and spawner of tokio (feature `tokio`); the only file here that names it.

use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;

use crate::{
    Timestamp,
    ports::{Clock, Spawner},
};

/// The wall clock, waiting on tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioClock;

impl Clock for TokioClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<'static, ()> {
        let wait = deadline.since(self.now());
        Box::pin(async move { tokio::time::sleep(wait).await })
    }
}

/// Spawns drivers on the tokio runtime of the caller.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioSpawner;

impl Spawner for TokioSpawner {
    #[expect(clippy::disallowed_methods, reason = "this is the spawner")]
    fn spawn(&self, driver: BoxFuture<'static, ()>) {
        drop(tokio::spawn(driver));
    }
}
