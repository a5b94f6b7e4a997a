//! Contract suites: what every implementation of a port must do, ours and yours.
//!
//! A suite is one function to call from a test; it fails like an assertion and says which rule was broken. The
//! implementations of this workspace pass the same functions.
//!
//! - [`store::suite`]: [`ExecutionStore`](oos_core::ports::store::ExecutionStore) and
//!   [`ExecutionIndex`](oos_core::ports::index::ExecutionIndex), alone and under an engine;
//! - [`clock::suite`]: [`Clock`](oos_core::ports::Clock);
//! - [`api::suite`]: [`ApiCaller`](oos_core::ports::ApiCaller);
//! - [`action::suite`]: [`Action`](oos_core::ports::Action).

pub mod action;
pub mod api;
pub mod clock;
pub mod store;

use std::{
    fmt::{Debug, Display},
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::BoxFuture;

use crate::calls::fail;

/// Runs a future to its end, as the host of an implementation does: `|f| runtime.block_on(f)`.
pub type Host<'h> = &'h dyn Fn(BoxFuture<'static, ()>);

/// Runs a future under a host and gives what it came to.
#[track_caller]
fn hosted<T: Send + 'static>(host: Host<'_>, future: impl Future<Output = T> + Send + 'static) -> T {
    let slot = Arc::new(Mutex::new(None));
    let filled = slot.clone();
    host(Box::pin(async move {
        let value = future.await;
        *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }));
    let value = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    value.unwrap_or_else(|| fail("the host did not run the future to its end"))
}

/// Fails unless something holds.
#[track_caller]
fn require(holds: bool, rule: impl Display) {
    if !holds {
        fail(&format!("broken: {rule}"));
    }
}

/// Fails unless two values are equal.
#[track_caller]
fn equal<T: PartialEq + Debug>(found: &T, expected: &T, rule: impl Display) {
    if found != expected {
        fail(&format!("broken: {rule}\n  found:    {}\n  expected: {}", short(found), short(expected)));
    }
}

/// Fails unless it went well.
#[track_caller]
fn good<T, E: Display>(result: Result<T, E>, rule: impl Display) -> T {
    match result {
        Ok(value) => value,
        Err(error) => fail(&format!("broken: {rule}\n  error: {error}")),
    }
}

/// Characters of a value that a failure shows.
const SHOWN: usize = 2_000;

fn short(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    if text.chars().count() <= SHOWN { text } else { format!("{}…", text.chars().take(SHOWN).collect::<String>()) }
}
