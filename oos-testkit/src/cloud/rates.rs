//! How often an operation may be called: token buckets on virtual time, off until a test asks for them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use oos_core::{Timestamp, ports::ApiError};

use super::FakeCloud;
use crate::{calls::glob, fault::throttled};

/// Rates that the documents name: service, API, calls, seconds. A `*` shares one bucket over all APIs.
const DOCUMENTED: &[(&str, &str, u32, u64)] = &[("ECS", "AttachDisk", 500, 60), ("SAE", "*", 60, 60)];

/// All limits of a cloud.
#[derive(Debug, Default)]
pub(super) struct Rates(Vec<Rate>);

#[derive(Debug)]
struct Rate {
    service: String,
    api: String,
    most: u32,
    per: Duration,
    /// By account: calls that are left, as a number of nanoseconds in which they come back, and when that was counted.
    buckets: BTreeMap<Arc<str>, (Duration, Timestamp)>,
}

impl Rates {
    /// Takes one call out of every bucket that it falls into; refuses it when one of them is empty.
    pub(super) fn take(
        &mut self,
        account: &Arc<str>,
        service: &str,
        api: &str,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let fits = |rate: &&mut Rate| glob(&rate.service, service) && glob(&rate.api, api);
        for rate in self.0.iter_mut().filter(fits) {
            let one = rate.per / rate.most.max(1);
            let (left, counted) = rate.buckets.get(account).copied().unwrap_or((rate.per, now));
            let left = (left + now.since(counted)).min(rate.per);
            if left < one {
                rate.buckets.insert(Arc::clone(account), (left, now));
                return Err(throttled(service));
            }
            rate.buckets.insert(Arc::clone(account), (left - one, now));
        }
        Ok(())
    }
}

impl FakeCloud {
    /// Lets each account call the operations of a pattern that often in that time, evenly refilled; more are throttled.
    pub fn rate_limit(&self, service: &str, api: &str, most: u32, per: Duration) {
        let rate = Rate { service: service.to_owned(), api: api.to_owned(), most, per, buckets: BTreeMap::new() };
        self.with(|state| state.rates.0.push(rate));
    }

    /// Turns on the limits that the documents of the products name.
    pub fn documented_rate_limits(&self) {
        for (service, api, most, seconds) in DOCUMENTED {
            self.rate_limit(service, api, *most, Duration::from_secs(*seconds));
        }
    }
}
