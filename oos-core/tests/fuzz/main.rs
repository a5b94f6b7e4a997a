//! The fuzz targets of `fuzz/targets.rs` on generated and mutated input, with the stable toolchain.
//!
//! A plain test run gives each target a few seconds; `OOS_FUZZ_SECONDS=60` gives each a minute, `OOS_FUZZ_SEED=N` starts
//! elsewhere. Beside panics it bounds the time of one case and the memory of the process. The input that is being tried
//! lies in `fuzz-<target>.bin` of cargo's folder for the files of tests, in case nothing is left to say which it was.
//!
//! Official templates take part when `OOS_CORPUS` names them.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a time budget from the environment")]

mod generate;
mod mutate;
#[path = "../../../fuzz/targets.rs"]
mod targets;

use std::{
    cell::Cell,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use proptest::{
    prelude::*,
    strategy::BoxedStrategy,
    test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner},
};

/// Seconds for each target without `OOS_FUZZ_SECONDS`.
const SECONDS: u64 = 3;

/// Time for one case in a debug build on a busy machine; nearly all take milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Memory of the whole process at its peak.
const MOST_BYTES: u64 = 2 << 30;

/// Cases between two looks at the clock.
const BATCH: u32 = 16;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Runs a target on inputs until its time is over.
fn drive(name: &str, target: fn(&[u8]) -> bool, input: &BoxedStrategy<Vec<u8>>) {
    let budget = Duration::from_secs(number("OOS_FUZZ_SECONDS", SECONDS));
    let seed = number("OOS_FUZZ_SEED", 0);
    let trail = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}.bin"));
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &key);
    let config = Config { cases: BATCH, failure_persistence: None, max_shrink_time: 60_000, ..Config::default() };
    let mut seeds = TestRunner::new_with_rng(config.clone(), rng);
    let start = Instant::now();
    let tried = Cell::new((0_usize, 0_usize, 0_usize));
    while start.elapsed() < budget {
        // A runner stops for good after its batch.
        let mut runner = TestRunner::new_with_rng(config.clone(), seeds.new_rng());
        let outcome = runner.run(input, |input| {
            fs::write(&trail, &input).unwrap();
            let start = Instant::now();
            let passed = target(&input);
            let (cases, far, bytes) = tried.get();
            tried.set((cases + 1, far + usize::from(passed), bytes + input.len()));
            let took = start.elapsed();
            prop_assert!(took < PATIENCE, "{} bytes took {took:?}", input.len());
            Ok(())
        });
        match outcome {
            Ok(()) => {}
            Err(TestError::Abort(why)) => panic!("{name}: {why}"),
            Err(TestError::Fail(why, input)) => {
                fs::write(&trail, &input).unwrap();
                let shown = String::from_utf8_lossy(&input);
                panic!("{name}: {why}\nseed {seed}, input in {}:\n{shown}", trail.display());
            }
        }
    }
    let (cases, far, bytes) = tried.get();
    fs::remove_file(&trail).unwrap();
    let peak = peak_bytes();
    println!(
        "{name}: {cases} cases of {bytes} bytes, {far} not refused, peak of the process {:?} MB",
        peak.map(|b| b >> 20)
    );
    assert!(cases < 50 || far > cases / 20, "nearly everything is refused");
    assert!(peak.is_none_or(|peak| peak < MOST_BYTES), "the process took {peak:?} bytes");
}

/// The most memory that the process has had, where the system tells.
fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

/// Templates as they are, damaged, generated, generated and damaged; and bytes of any kind.
fn documents() -> BoxedStrategy<Vec<u8>> {
    let seeds = mutate::seeds();
    prop_oneof![
        6 => mutate::damaged(prop::sample::select(seeds.clone()).boxed(), seeds.clone()),
        3 => generate::template().prop_map(String::into_bytes),
        3 => mutate::damaged(generate::template().boxed(), seeds),
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => any::<String>().prop_map(String::into_bytes),
    ]
    .boxed()
}

#[test]
fn parse() {
    drive("parse", targets::parse, &documents());
}

#[test]
fn compile() {
    drive("compile", targets::compile, &documents());
}

#[test]
fn expression() {
    let generated = generate::expression().boxed();
    let input = prop_oneof![
        3 => generated.clone().prop_map(String::into_bytes),
        3 => mutate::damaged(generated, mutate::seeds()),
        1 => any::<String>().prop_map(String::into_bytes),
    ];
    drive("expression", targets::expression, &input.boxed());
}

#[test]
fn selector() {
    let generated = generate::selector().boxed();
    let written = prop::sample::select(mutate::selectors());
    let input = prop_oneof![
        3 => generated.clone().prop_map(String::into_bytes),
        3 => mutate::damaged(prop_oneof![written, generated.clone()].boxed(), mutate::selectors()),
        1 => (generated, "[ -~]{0,40}").prop_map(|(selector, input)| format!("{selector}\n{input}").into_bytes()),
        1 => any::<String>().prop_map(String::into_bytes),
    ];
    drive("selector", targets::selector, &input.boxed());
}

/// Inputs that once broke a promise; each lies in `found/`, its name says what it broke.
#[test]
fn what_was_found_stays_mended() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/found");
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let input = fs::read(entry.unwrap().path()).unwrap();
        for target in [targets::parse, targets::expression, targets::selector, targets::compile] {
            target(&input);
        }
    }
}
