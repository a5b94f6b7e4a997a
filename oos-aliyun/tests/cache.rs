//! The cache of credentials on a clock that stands still: windows, single flight, failures.
#![cfg(feature = "client")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use oos_aliyun::credential::{Cached, Provided, Source};
use oos_core::{
    Timestamp,
    ports::{
        Clock,
        credential::{Credential, CredentialError},
    },
};
use support::{JumpClock, Script, World, lost};

/// Gives keys `k-1`, `k-2`, … of one hour, or the error that is set.
#[derive(Debug)]
struct Hourly {
    clock: JumpClock,
    fetches: AtomicU32,
    error: Mutex<Option<bool>>,
    life: i64,
}

#[async_trait]
impl Source for Hourly {
    async fn fetch(&self) -> Result<Option<Provided>, CredentialError> {
        let n = self.fetches.fetch_add(1, Ordering::Relaxed) + 1;
        tokio::task::yield_now().await;
        if let Some(transient) = *self.error.lock().unwrap() {
            return Err(CredentialError { source_name: "hourly".into(), message: "down".into(), transient });
        }
        let ends: Timestamp = self.clock.now().plus_seconds(self.life);
        Ok(Some(Provided::new(Credential::new(format!("k-{n}"), "s", Some("t".into()), Some(ends)), "hourly")))
    }
}

fn setup(life: i64) -> (World, Arc<Hourly>, Cached) {
    let world = World::new(Script::new(|_| lost(false)));
    let clock = world.clock.clone();
    let source = Arc::new(Hourly { clock, fetches: AtomicU32::new(0), error: Mutex::new(None), life });
    let cached = Cached::new(Arc::clone(&source) as Arc<dyn Source>, &world.runtime());
    (world, source, cached)
}

async fn id(cached: &Cached) -> String {
    cached.get().await.unwrap().unwrap().credential.access_key_id.to_string()
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_thousand_callers_cause_one_fetch() {
    let (_world, source, cached) = setup(3600);
    let calls = (0..1000).map(|_| cached.get());
    let all = futures::future::join_all(calls).await;
    assert!(all.iter().all(|one| one.as_ref().unwrap().is_some()));
    assert_eq!(source.fetches.load(Ordering::Relaxed), 1);
}

/// Life 3600 s: the prefetch window is 15 min less 10 %, the mandatory one 180 s.
#[tokio::test]
async fn the_windows_one_after_the_other() {
    let (world, source, cached) = setup(3600);
    assert_eq!(id(&cached).await, "k-1");
    world.clock.advance(2780);
    assert_eq!(id(&cached).await, "k-1");
    assert_eq!(source.fetches.load(Ordering::Relaxed), 1);
    world.clock.advance(20);
    assert_eq!(id(&cached).await, "k-1", "the old one at once");
    settle().await;
    assert_eq!(id(&cached).await, "k-2", "refreshed in the background");
    world.clock.advance(3500);
    assert_eq!(id(&cached).await, "k-3", "in the mandatory window callers wait");
}

#[tokio::test]
async fn a_failed_refresh_returns_what_has_not_ended_and_never_what_has() {
    let (world, source, cached) = setup(3600);
    assert_eq!(id(&cached).await, "k-1");
    *source.error.lock().unwrap() = Some(true);
    world.clock.advance(3500);
    assert_eq!(id(&cached).await, "k-1", "still good for 100 s");
    world.clock.advance(150);
    assert!(cached.get().await.is_err());
}

#[tokio::test]
async fn failures_are_remembered_longer_and_longer() {
    let (world, source, cached) = setup(3600);
    *source.error.lock().unwrap() = Some(true);
    for expected in [1, 2, 4, 8, 16, 30, 30] {
        let before = source.fetches.load(Ordering::Relaxed);
        assert!(cached.get().await.is_err());
        assert_eq!(source.fetches.load(Ordering::Relaxed), before + 1);
        // 500 loop items get the same error without a fetch.
        let all = futures::future::join_all((0..500).map(|_| cached.get())).await;
        assert!(all.iter().all(Result::is_err));
        world.clock.advance(expected);
        assert!(cached.get().await.is_err(), "jitter makes it a little longer");
        assert_eq!(source.fetches.load(Ordering::Relaxed), before + 1);
        world.clock.advance(4);
    }
    *source.error.lock().unwrap() = None;
    world.clock.advance(30);
    assert!(id(&cached).await.starts_with("k-"), "recovered");
}

#[tokio::test]
async fn a_permanent_failure_is_kept_half_a_minute() {
    let (world, source, cached) = setup(3600);
    *source.error.lock().unwrap() = Some(false);
    assert!(cached.get().await.is_err());
    world.clock.advance(29);
    assert!(cached.get().await.is_err());
    assert_eq!(source.fetches.load(Ordering::Relaxed), 1);
    world.clock.advance(5);
    assert!(cached.get().await.is_err());
    assert_eq!(source.fetches.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_end_the_fetch() {
    let (_world, source, cached) = setup(3600);
    {
        let call = cached.get();
        futures::pin_mut!(call);
        assert!(futures::poll!(&mut call).is_pending());
    }
    settle().await;
    assert_eq!(id(&cached).await, "k-1");
    assert_eq!(source.fetches.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_answer_that_has_already_ended_is_an_error() {
    let (_world, _source, cached) = setup(-10);
    let error = cached.get().await.unwrap_err();
    assert!(error.to_string().contains("the clock or the source is wrong"));
}

#[tokio::test]
async fn invalidation_drops_only_the_credential_that_was_used() {
    let (_world, _source, cached) = setup(3600);
    let first = cached.get().await.unwrap().unwrap().credential;
    cached.invalidate(&Credential::new("other", "s", None, None));
    assert_eq!(id(&cached).await, "k-1");
    cached.invalidate(&first);
    assert_eq!(id(&cached).await, "k-2");
}

#[tokio::test]
async fn a_short_lived_key_is_used_for_most_of_its_life() {
    let (world, source, cached) = setup(100);
    assert_eq!(id(&cached).await, "k-1");
    world.clock.advance(40);
    assert_eq!(id(&cached).await, "k-1");
    assert_eq!(source.fetches.load(Ordering::Relaxed), 1);
    world.clock.advance(40);
    assert_eq!(id(&cached).await, "k-2");
}
