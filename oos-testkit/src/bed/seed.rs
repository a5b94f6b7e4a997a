//! Seeds: what a bed's ids and shuffled orders come from, and runs over many of them.
//!
//! A bed takes its seed from, in this order: `OOS_SEED` (to run a failure again), the run of [`explore`] around it, the
//! name of the test. So a test is the same each time, and two tests differ.

use std::{
    any::Any,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use async_trait::async_trait;
use oos_core::ports::{ApiCaller, ApiError, ApiRequest, ApiResponse};

use crate::{Executor, calls::fail};

/// The variable that gives the seed.
const VARIABLE: &str = "OOS_SEED";

thread_local! {
    /// The seed of the run of `explore` that is under way on this thread.
    static EXPLORED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Runs a test with `n` seeds. Beds that it makes shuffle what is ready by the seed: which of several calls that are
/// made at one instant comes first, and which of several executions goes on first. So a test that hangs on an order
/// that nobody promised fails.
///
/// With `OOS_SEED=n` in the environment it runs that seed alone.
///
/// # Panics
/// When a seed fails: with that seed, how to run it again, and what failed.
#[track_caller]
pub fn explore(n: u64, test: impl Fn(u64)) {
    let seeds = given().map_or(1..=n, |seed| seed..=seed);
    for seed in seeds {
        let before = EXPLORED.replace(Some(seed));
        let outcome = catch_unwind(AssertUnwindSafe(|| test(seed)));
        EXPLORED.set(before);
        if let Err(panic) = outcome {
            fail(&format!("seed {seed} of {n} fails; {}\n{}", rerun(seed), text_of(&*panic)));
        }
    }
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("the test panicked without a text")
}

/// How to run the present test again with a seed.
pub(super) fn rerun(seed: u64) -> String {
    let name = test_name().map(|name| format!(" {name}")).unwrap_or_default();
    format!("run it again: {VARIABLE}={seed} cargo test{name}")
}

/// The name of the test that runs on this thread. With one test thread all run on the main one, and have none.
pub(super) fn test_name() -> Option<String> {
    std::thread::current().name().filter(|name| *name != "main").map(str::to_owned)
}

/// The seed of a new bed, and its executor.
#[track_caller]
pub(super) fn start() -> (u64, Executor) {
    let own = || test_name().map_or(0, |name| hash(&name));
    match EXPLORED.get() {
        Some(seed) => (seed, Executor::shuffled(seed)),
        None => (given().unwrap_or_else(own), Executor::default()),
    }
}

#[track_caller]
#[expect(clippy::disallowed_methods, reason = "documented: the variable gives the seed of a failure again")]
fn given() -> Option<u64> {
    let text = std::env::var(VARIABLE).ok()?;
    match text.parse() {
        Ok(seed) => Some(seed),
        Err(_) => fail(&format!("{VARIABLE} is `{text}`, not a number")),
    }
}

/// FNV-1a with 32 bits: the same on every machine and with every compiler.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)).into()
}

/// A caller whose calls of one instant change places.
#[derive(Debug)]
pub(super) struct Jostled<A> {
    pub(super) api: A,
    pub(super) executor: Executor,
}

#[async_trait]
impl<A: std::ops::Deref<Target = dyn ApiCaller> + std::fmt::Debug + Send + Sync + 'static> ApiCaller for Jostled<A> {
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        self.executor.jostle().await;
        self.api.call(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_hangs_on_the_name_alone() {
        assert_eq!(hash("a"), 0xe40c_292c);
        assert_ne!(hash("tests::one"), hash("tests::two"));
        assert!(test_name().is_none_or(|name| name.ends_with("a_seed_hangs_on_the_name_alone")));
    }
}
