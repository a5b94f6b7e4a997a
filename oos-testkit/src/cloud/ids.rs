//! Seeded, readable ids: prefix, region tag, `fake`, a counter in base 36.
//!
//! The same seed and the same order of calls give the same ids; nothing here depends on hashing order or time.

use std::collections::BTreeMap;

use super::shaped::IdSource;

/// Makes ids.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    seed: u64,
    counters: BTreeMap<String, u64>,
    regions: Vec<String>,
    requests: u64,
}

/// CHOICE: room for this many ids of a prefix per seed.
const PER_SEED: u64 = 1_000_000;

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    fn count(&mut self, what: &str) -> u64 {
        let counter = self.counters.entry(what.to_owned()).or_default();
        *counter += 1;
        *counter + (self.seed % 1_000_000) * PER_SEED
    }

    /// The next id, e.g. `i-bp1fake000000001` for `i-` in cn-hangzhou.
    pub(crate) fn next(&mut self, prefix: &str, region: &str) -> String {
        let tag = self.region_tag(region);
        let number = base36(self.count(prefix), 9);
        format!("{prefix}{tag}fake{number}")
    }

    /// The next plain number of a sequence, from 1 whatever the seed.
    pub(crate) fn number(&mut self, what: &str) -> u64 {
        let counter = self.counters.entry(what.to_owned()).or_default();
        *counter += 1;
        *counter
    }

    /// A UUID in upper case, for `RequestId`.
    pub(crate) fn request_id(&mut self) -> String {
        self.requests += 1;
        {
            let mut id = uuid(self.seed, self.requests);
            id.make_ascii_uppercase();
            id
        }
    }

    /// A UUID in lower case, e.g. of a stack.
    pub(crate) fn uuid(&mut self, what: &str) -> String {
        let number = self.count(what);
        uuid(what.bytes().fold(self.seed, |a, b| a.wrapping_mul(31).wrapping_add(b.into())), number)
    }

    fn region_tag(&mut self, region: &str) -> String {
        let known = [("cn-hangzhou", "bp1"), ("cn-beijing", "2ze"), ("cn-shanghai", "uf6"), ("cn-shenzhen", "wz9")];
        if let Some((_, tag)) = known.iter().find(|(r, _)| *r == region) {
            return (*tag).to_owned();
        }
        let at = self.regions.iter().position(|r| r == region).unwrap_or_else(|| {
            self.regions.push(region.to_owned());
            self.regions.len() - 1
        });
        format!("x{:02}", at + 1)
    }
}

impl IdSource for Ids {
    fn next(&mut self, prefix: &str, region: &str) -> String {
        self.next(prefix, region)
    }

    fn number(&mut self, what: &str) -> u64 {
        self.number(what)
    }

    fn request_id(&mut self) -> String {
        self.request_id()
    }

    fn uuid(&mut self, what: &str) -> String {
        self.uuid(what)
    }
}

fn uuid(seed: u64, number: u64) -> String {
    let (a, b) = (mix(seed ^ 0x9e37_79b9_7f4a_7c15, number), mix(seed.rotate_left(17), number.wrapping_add(1 << 40)));
    let (time_low, mid, high) = (a >> 32, (a >> 16) & 0xffff, a & 0x0fff);
    format!("{time_low:08x}-{mid:04x}-4{high:03x}-{:04x}-{:012x}", (b >> 48) & 0x3fff | 0x8000, b & 0xffff_ffff_ffff)
}

/// A mixing step (splitmix64): the same input gives the same output everywhere.
pub(crate) fn mix(seed: u64, number: u64) -> u64 {
    let mut z = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `number` in base 36, at least `width` digits.
pub(crate) fn base36(mut number: u64, width: usize) -> String {
    let mut digits = Vec::new();
    while number > 0 || digits.len() < width.max(1) {
        let digit = u32::try_from(number % 36).unwrap_or(0);
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        number /= 36;
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_readable_and_repeat() {
        let mut ids = Ids::new(0);
        assert_eq!(ids.next("i-", "cn-hangzhou"), "i-bp1fake000000001");
        assert_eq!(ids.next("i-", "cn-hangzhou"), "i-bp1fake000000002");
        assert_eq!(ids.next("d-", "cn-beijing"), "d-2zefake000000001");
        assert_eq!(ids.next("i-", "ap-south-1"), "i-x01fake000000003");
        assert_eq!(ids.request_id(), Ids::new(0).request_id());
        assert_ne!(Ids::new(1).request_id(), Ids::new(0).request_id());
    }

    #[test]
    fn uuids_have_the_usual_form() {
        let id = Ids::new(3).uuid("stack");
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
    }
}
