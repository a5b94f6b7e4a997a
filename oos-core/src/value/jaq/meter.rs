//! What a jq program may cost: evaluation steps, stack, bytes.
//!
//! jaq cannot be interrupted from outside and its value traits carry no context, so the meter of the running program
//! lives in a thread local. Every hook that jaq offers (term lookup, value operations, native filters) charges it. The
//! first bound that is hit stays hit until the run ends: from then on every hook answers with an error.
//!
//! Deliberately absent: a clock. The same program on the same input always stops at the same place.

use std::cell::Cell;

use super::JqError;
use crate::value::Value;

/// How deep the values of a program may nest; recursion over a value never goes deeper.
// CHOICE: far beyond any document (template limit 64, JSON parser 128), small enough for a stack of 2 MB in debug builds.
pub(crate) const MAX_DEPTH: u32 = 512;

/// How often a path may go on below null, and how often a slice may be sliced, before the program is stopped.
// CHOICE: such paths are held in a linked list that is dropped recursively; nobody needs a hundredth of it.
pub(crate) const MAX_CHAIN: u32 = 1_000;

/// Bytes of stack below the entry of the program that evaluation may use.
// CHOICE: worker threads have 2 MB; half of it leaves room for the caller and for what runs between two checks.
const STACK_BYTES: usize = 1 << 20;

/// What the evaluation of one term costs.
// CHOICE: simple work such as comparing two numbers is one step; a term allocates and takes about four times as long.
pub(crate) const TERM: u64 = 4;

/// Bytes of stack that are free of charge, and how many beyond them add one step to everything.
// CHOICE: results pass through as many iterators as calls are nested, which nothing else counts; ordinary programs stay
// below.
const FREE_STACK: usize = 128 << 10;
const STACK_PER_STEP: usize = 1 << 10;

/// Bytes of copying or scanning that count as one step.
// CHOICE: one evaluation step of jaq takes about as long as copying this many bytes, with a margin.
pub(crate) const BYTES_PER_STEP: usize = 32;

/// A bound that a program can run into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Steps,
    Stack,
    Depth,
    Bytes,
    Regex,
    Closures,
}

impl Bound {
    /// The bound in words.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Steps => "too many evaluation steps",
            Self::Stack => "recursion is too deep",
            Self::Depth => "values nest too deep",
            Self::Bytes => "values are too large",
            Self::Regex => "a regular expression backtracks too much",
            Self::Closures => "a function passes itself on too often",
        }
    }
}

/// The state of the meter; parts apart, because this is touched at every step.
struct Meter {
    steps: Cell<u64>,
    bytes: Cell<u64>,
    /// Address in the stack at the start of the program; 0 when none runs.
    base: Cell<usize>,
    /// Backtracking steps of one search of a regular expression.
    regex: Cell<usize>,
    hit: Cell<Option<Bound>>,
}

thread_local! {
    static METER: Meter = const {
        Meter {
            steps: Cell::new(u64::MAX),
            bytes: Cell::new(u64::MAX),
            base: Cell::new(0),
            regex: Cell::new(usize::MAX),
            hit: Cell::new(None),
        }
    };
}

/// Puts the meter of a program in place and the former one back.
pub(crate) struct Guard(Meter);

impl Guard {
    /// Starts to meter on this thread.
    pub(crate) fn start(steps: u64, bytes: u64, regex: usize) -> Self {
        METER.with(|meter| {
            Self(Meter {
                steps: Cell::new(meter.steps.replace(steps)),
                bytes: Cell::new(meter.bytes.replace(bytes)),
                base: Cell::new(meter.base.replace(stack_address())),
                regex: Cell::new(meter.regex.replace(regex)),
                hit: Cell::new(meter.hit.replace(None)),
            })
        })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        METER.with(|meter| {
            meter.steps.swap(&self.0.steps);
            meter.bytes.swap(&self.0.bytes);
            meter.base.swap(&self.0.base);
            meter.regex.swap(&self.0.regex);
            meter.hit.swap(&self.0.hit);
        });
    }
}

fn stack_address() -> usize {
    let marker = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&marker)).addr()
}

/// Counts steps; false when the program must stop.
pub(crate) fn charge(steps: u64) -> bool {
    METER.with(|meter| {
        if meter.hit.get().is_some() {
            return false;
        }
        let base = meter.base.get();
        let stack = if base == 0 { 0 } else { base.abs_diff(stack_address()) };
        let steps = if stack > FREE_STACK { steps + ((stack - FREE_STACK) / STACK_PER_STEP) as u64 } else { steps };
        match meter.steps.get().checked_sub(steps) {
            _ if stack > STACK_BYTES => meter.hit.set(Some(Bound::Stack)),
            Some(left) => {
                meter.steps.set(left);
                return true;
            }
            None => meter.hit.set(Some(Bound::Steps)),
        }
        false
    })
}

/// Counts bytes that are about to be allocated, and the steps it takes to fill them; false when the program must stop.
pub(crate) fn grow(bytes: usize) -> bool {
    METER.with(|meter| match meter.bytes.get().checked_sub(bytes as u64) {
        Some(left) => meter.bytes.set(left),
        None => trip(Bound::Bytes),
    });
    charge(scan_cost(bytes))
}

/// Steps for reading this many bytes.
pub(crate) fn scan_cost(bytes: usize) -> u64 {
    (bytes / BYTES_PER_STEP) as u64 + 1
}

/// Stops the program; the first bound that is hit counts.
pub(crate) fn trip(bound: Bound) {
    METER.with(|meter| meter.hit.set(meter.hit.get().or(Some(bound))));
}

/// Backtracking steps that one search of a regular expression may take.
pub(crate) fn regex_steps() -> usize {
    METER.with(|meter| meter.regex.get())
}

/// The bound that was hit.
pub(crate) fn hit() -> Option<Bound> {
    METER.with(|meter| meter.hit.get())
}

/// The error that hooks give once a bound was hit; the run replaces it by the bound.
pub(crate) fn stopped() -> JqError {
    JqError::str("stopped")
}

/// [`charge`] for functions that give results.
pub(crate) fn spend(steps: u64) -> Result<(), JqError> {
    if charge(steps) { Ok(()) } else { Err(stopped()) }
}

/// [`grow`] for functions that give results.
pub(crate) fn take(bytes: usize) -> Result<(), JqError> {
    if grow(bytes) { Ok(()) } else { Err(stopped()) }
}

/// Counts every node of a value as a step, for work that visits them all without counting; shared parts count as often
/// as they occur. The factor says how often each is visited.
pub(crate) fn weigh(value: &Value, factor: u64) -> Result<(), JqError> {
    spend(factor)?;
    match value {
        Value::String(s) => spend(factor.saturating_mul(scan_cost(s.len()))),
        Value::List(list) => list.iter().try_for_each(|v| weigh(v, factor)),
        Value::Map(map) => map.iter().try_for_each(|(k, v)| {
            spend(scan_cost(k.len()))?;
            weigh(v, factor)
        }),
        _ => Ok(()),
    }
}
