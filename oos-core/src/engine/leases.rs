//! Signs of life: while an engine drives executions it renews its claims on them, parked ones included. An engine that
//! has died gives none, and another may take its executions up as soon as its leases are over.

use std::{
    sync::{Arc, PoisonError, Weak},
    time::Duration,
};

use super::Inner;
use crate::{Timestamp, ports::Clock};

/// CHOICE: how long a claim holds without a sign of life: a restart under another name waits that long at most.
const LEASE: Duration = Duration::from_secs(60);
/// CHOICE: signs of life per lease; all but one may be lost or late.
const SIGNS: u32 = 3;

/// Until when a claim holds that is made now.
pub(super) fn lease_end(now: Timestamp) -> Timestamp {
    now + LEASE
}

impl Inner {
    /// Begins to renew, unless that is under way. Called with each execution that is taken up.
    pub(super) fn keep_leases(self: &Arc<Self>) {
        let mut renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *renewing, true) {
            self.spawner.spawn(Box::pin(renew(Arc::downgrade(self), self.clock.clone())));
        }
    }

    /// True when nothing is left to renew; the next execution begins anew.
    fn leases_over(&self) -> bool {
        let mut renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        *renewing = !self.live.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        !*renewing
    }
}

async fn renew(engine: Weak<Inner>, clock: Arc<dyn Clock>) {
    loop {
        clock.sleep_in_background(clock.now() + LEASE / SIGNS).await;
        let Some(inner) = engine.upgrade().filter(|inner| !inner.leases_over()) else { return };
        if let Err(error) = inner.index.renew(&inner.owner, lease_end(clock.now())).await {
            tracing::warn!(owner = &*inner.owner.0, %error, "leases could not be renewed");
        }
    }
}
