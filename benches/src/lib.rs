//! The meter and the floor: what a hand-written tokio program needs for the same work.
//!
//! Trust ratios, not absolutes: floor and engine are measured in one run, on one thread, the least of several rounds.

pub mod floor;

use std::time::{Duration, Instant};

/// The least wall time of `rounds` runs; on one thread without waiting that is the CPU time.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
pub fn least<T>(rounds: usize, mut run: impl FnMut() -> T) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..rounds {
        let start = Instant::now();
        std::hint::black_box(run());
        least = least.min(start.elapsed());
    }
    least
}

/// Microseconds per step.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub fn per_step(total: Duration, steps: usize) -> f64 {
    total.as_secs_f64() * 1e6 / steps as f64
}

/// Prints one line of a table.
#[expect(clippy::print_stdout, reason = "a bench prints")]
pub fn line(case: &str, floor: f64, ours: f64, goal: f64) {
    let ratio = ours / floor;
    let verdict = if ratio <= goal { "within" } else { "above" };
    println!("{case:<28} floor {floor:>7.3} us  ours {ours:>8.3} us  ratio {ratio:>6.2}  ({verdict} {goal} x)");
}
