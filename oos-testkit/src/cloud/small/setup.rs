//! How a test moves what the small services know.

use crate::FakeCloud;

/// Orders as a test sees them.
#[derive(Clone, Debug)]
pub struct Orders {
    cloud: FakeCloud,
}

impl Orders {
    pub(crate) fn new(cloud: FakeCloud) -> Self {
        Self { cloud }
    }

    /// Pays an order that was put there.
    pub fn pay(&self, order: &str) {
        self.set(order, "Paid");
    }

    /// Cancels an order that was put there.
    pub fn cancel(&self, order: &str) {
        self.set(order, "Cancelled");
    }

    fn set(&self, order: &str, status: &str) {
        self.cloud.with(|state| {
            if let Some(r) = state.store.get_mut("BSS::Order", order) {
                r.set("PaymentStatus", status);
            }
        });
    }
}
