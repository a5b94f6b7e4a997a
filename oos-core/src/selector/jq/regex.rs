//! Regular expressions: `match`, `test`, `split`, `sub` and what is defined by them.
//!
//! On `fancy-regex`, because public templates use look-ahead, which jaq's own engine lacks. A backtracking engine on
//! hostile patterns needs a bound: every search gets a small one first and a larger one only after it has been paid for.

use std::sync::{Arc, Mutex, PoisonError};

use fancy_regex::{Captures, Regex, RegexBuilder, RuntimeError};
use jaq_core::ValX;

use super::natives::{Spec, once, once_x};
use crate::{
    limits::{COMPILED_PATTERN_BYTES, PATTERN_BYTES},
    value::{
        Map, Value,
        jaq::{JqError, JqResult, JqValue, fail, meter, show},
    },
};

/// Compiled patterns that one selector keeps.
// CHOICE: patterns mostly stand in the program; this is for those that are computed.
const CACHED: usize = 16;

/// Backtracking steps of the first search, and how much more every further one gets.
const FIRST_LIMIT: usize = 4_000;
const LIMIT_FACTOR: usize = 16;

/// Backtracking steps that count as one evaluation step.
const BACKTRACKS_PER_STEP: usize = 8;

pub(super) static NATIVES: [Spec; 3] = [
    Spec::new("oos__match", "vvv", |mut cv| {
        let (test, flags, pattern) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
        let patterns = cv.0.data().patterns;
        once(
            Search::new(patterns, &cv.1, &pattern, &flags, "")
                .and_then(|search| if test.value.as_bool() == Some(true) { search.test() } else { search.matches() }),
        )
    }),
    Spec::new("oos__split", "vv", |mut cv| {
        let (flags, pattern) = (cv.0.pop_var(), cv.0.pop_var());
        let patterns = cv.0.data().patterns;
        once(Search::new(patterns, &cv.1, &pattern, &flags, "g").and_then(|search| search.split()))
    }),
    Spec::new("oos__sub", "vvf", |mut cv| {
        let (f, context) = cv.0.pop_fun();
        let (flags, pattern) = (cv.0.pop_var(), cv.0.pop_var());
        let patterns = cv.0.data().patterns;
        match Search::new(patterns, &cv.1, &pattern, &flags, "") {
            Ok(search) => match search.substitute(|found| f.run((context.clone(), found))) {
                Ok(texts) => Box::new(texts.into_iter().map(|text| Ok(JqValue::scalar(text)))),
                Err(error) => once_x(Err(error)),
            },
            Err(error) => once(Err(error)),
        }
    }),
];

/// Text, flags and bound of a pattern.
type Key = (Arc<str>, Arc<str>, usize);

/// Compiled patterns.
#[derive(Default)]
pub(in crate::selector) struct Patterns(Mutex<Vec<(Key, Arc<Regex>)>>);

impl Patterns {
    fn get(&self, key: &Key) -> Result<Arc<Regex>, JqError> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, regex)) = cache.iter().find(|(known, _)| known == key) {
            return Ok(regex.clone());
        }
        let regex = Arc::new(compile(key)?);
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.push((key.clone(), regex.clone()));
        Ok(regex)
    }
}

fn compile((pattern, flags, limit): &Key) -> Result<Regex, JqError> {
    meter::spend(1_000 + 10 * pattern.len() as u64)?;
    if pattern.len() > PATTERN_BYTES {
        return fail("the regular expression is too long");
    }
    let mut builder = RegexBuilder::new(pattern);
    builder
        .backtrack_limit(*limit)
        .delegate_size_limit(COMPILED_PATTERN_BYTES)
        .delegate_dfa_size_limit(COMPILED_PATTERN_BYTES);
    builder.case_insensitive(flags.contains('i')).ignore_whitespace(flags.contains('x'));
    builder.dot_matches_new_line(flags.contains('p')).find_not_empty(flags.contains('n'));
    builder.build().or_else(|error| fail(format!("{pattern} (at offset 0) is not a valid regex: {error}")))
}

/// True if a pattern occurs in a text, for JSONPath.
///
/// # Errors
/// A pattern that does not compile, or a bound that was hit.
pub(in crate::selector) fn is_match(patterns: &Patterns, pattern: &str, text: &str) -> Result<bool, JqError> {
    let found = Search::start(patterns, text, pattern.into(), "".into())?;
    found.is_match()
}

/// One pattern on one text.
struct Search<'a> {
    patterns: &'a Patterns,
    text: &'a str,
    pattern: Arc<str>,
    flags: Arc<str>,
    /// The pattern with the lowest bound.
    regex: Arc<Regex>,
    most: usize,
}

impl<'a> Search<'a> {
    fn new(
        patterns: &'a Patterns,
        text: &'a JqValue,
        pattern: &JqValue,
        flags: &JqValue,
        more: &str,
    ) -> Result<Self, JqError> {
        let (pattern, flags) = match (&pattern.value, &flags.value) {
            (Value::List(both), Value::Null) => {
                (both.first().cloned().unwrap_or_default(), both.get(1).cloned().unwrap_or_default())
            }
            (pattern, flags) => (pattern.clone(), flags.clone()),
        };
        let Value::String(text) = &text.value else {
            return fail(format!("{} cannot be matched, as it is not a string", show(&text.value)));
        };
        let Value::String(pattern) = pattern else {
            return fail(format!("{} cannot be matched, as it is not a string", show(&pattern)));
        };
        let flags = match flags {
            Value::Null => more.into(),
            Value::String(flags) if more.is_empty() => flags,
            Value::String(flags) => format!("{flags}{more}").into(),
            other => return fail(format!("{} is not a string", show(&other))),
        };
        if let Some(unknown) = flags.chars().find(|c| !"gimnpslx".contains(*c)) {
            return fail(format!("{flags} is not a valid modifier string (`{unknown}`)"));
        }
        Self::start(patterns, text, pattern, flags)
    }

    fn start(patterns: &'a Patterns, text: &'a str, pattern: Arc<str>, flags: Arc<str>) -> Result<Self, JqError> {
        let most = meter::regex_steps();
        let regex = patterns.get(&(pattern.clone(), flags.clone(), FIRST_LIMIT.min(most)))?;
        Ok(Self { patterns, text, pattern, flags, regex, most })
    }

    /// The first match at or after a position.
    fn find_at(&self, at: usize) -> Result<Option<Captures<'a, str>>, JqError> {
        // A search may run to the end of the text before it settles for a match nearby.
        meter::spend(meter::scan_cost(self.text.len().saturating_sub(at) / 2))?;
        self.bounded(|regex| regex.captures_from_pos(self.text, at))
    }

    fn test(&self) -> JqResult {
        self.is_match().map(JqValue::scalar)
    }

    fn is_match(&self) -> Result<bool, JqError> {
        meter::spend(meter::scan_cost(self.text.len()))?;
        self.bounded(|regex| regex.is_match(self.text))
    }

    /// Searches with growing bounds of backtracking, each of which is paid for.
    fn bounded<T>(&self, search: impl Fn(&Regex) -> Result<T, fancy_regex::Error>) -> Result<T, JqError> {
        let mut limit = FIRST_LIMIT.min(self.most);
        let mut found = search(&self.regex);
        loop {
            match found {
                Ok(found) => return Ok(found),
                Err(fancy_regex::Error::RuntimeError(RuntimeError::BacktrackLimitExceeded)) if limit < self.most => {
                    limit = limit.saturating_mul(LIMIT_FACTOR).min(self.most);
                    meter::spend((limit / BACKTRACKS_PER_STEP) as u64)?;
                    found = search(&*self.patterns.get(&(self.pattern.clone(), self.flags.clone(), limit))?);
                }
                Err(_) => {
                    meter::trip(meter::Bound::Regex);
                    return Err(meter::stopped());
                }
            }
        }
    }

    /// Calls a function for the first match, or for all of them, until it says no.
    fn each<E: From<JqError>>(
        &self,
        mut f: impl FnMut(&Captures<'a, str>, &Regex) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut at = 0;
        while let Some(found) = self.find_at(at)? {
            let Some(whole) = found.get(0) else { break };
            if !f(&found, &self.regex)? || !self.flags.contains('g') {
                break;
            }
            at = match self.text.get(whole.end()..).and_then(|rest| rest.chars().next()) {
                Some(next) if whole.start() == whole.end() => whole.end() + next.len_utf8(),
                None if whole.start() == whole.end() => break,
                _ => whole.end(),
            };
        }
        Ok(())
    }

    fn matches(&self) -> JqResult {
        let mut positions = Positions::new(self.text);
        let mut list = Vec::new();
        self.each(|found, regex| {
            list.push(describe(found, regex, &mut positions)?);
            Ok::<_, JqError>(true)
        })?;
        Ok(JqValue::derived(list.into(), 4))
    }

    fn split(&self) -> JqResult {
        let (mut parts, mut end) = (Vec::new(), 0);
        let mut push = |range: std::ops::Range<usize>| {
            meter::take(range.len() + size_of::<Value>())?;
            parts.push(Value::from(self.text.get(range).unwrap_or_default()));
            Ok::<_, JqError>(())
        };
        self.each(|found, _| {
            let Some(whole) = found.get(0) else { return Ok(true) };
            push(end..whole.start())?;
            end = whole.end();
            Ok::<_, JqError>(true)
        })?;
        push(end..self.text.len())?;
        Ok(JqValue::derived(parts.into(), 1))
    }

    /// The text with every match replaced by what the function gives for its named groups. A function with several
    /// results gives several texts: the first results make the first text, and so on.
    fn substitute<'b, I: Iterator<Item = ValX<'b, JqValue>>>(
        &self,
        f: impl Fn(JqValue) -> I,
    ) -> Result<Vec<String>, jaq_core::Exn<'b, JqValue>> {
        let mut texts: Vec<String> = Vec::new();
        let mut end = 0;
        self.each::<jaq_core::Exn<'b, JqValue>>(|found, regex| {
            let Some(whole) = found.get(0) else { return Ok(true) };
            let gap = self.text.get(end..whole.start()).unwrap_or_default();
            for (i, new) in f(named_groups(found, regex)).enumerate() {
                let new = new?.value;
                let Value::String(new) = &new else {
                    return Err(JqError::str(format!("{} cannot be added to a string", show(&new))).into());
                };
                meter::take(gap.len() + new.len())?;
                if texts.len() == i {
                    texts.push(String::new());
                }
                if let Some(text) = texts.get_mut(i) {
                    text.push_str(gap);
                    text.push_str(new);
                }
            }
            end = whole.end();
            Ok(true)
        })?;
        if texts.is_empty() {
            return Ok(vec![self.text.to_owned()]);
        }
        let rest = self.text.get(end..).unwrap_or_default();
        meter::take(rest.len().saturating_mul(texts.len()))?;
        texts.iter_mut().for_each(|text| text.push_str(rest));
        Ok(texts)
    }
}

/// Counts characters up to byte positions, without starting over as long as the positions grow.
struct Positions<'a> {
    text: &'a str,
    bytes: usize,
    chars: usize,
}

impl<'a> Positions<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, bytes: 0, chars: 0 }
    }

    fn chars_before(&mut self, byte: usize) -> usize {
        if byte < self.bytes {
            return self.text.get(..byte).unwrap_or_default().chars().count();
        }
        self.chars += self.text.get(self.bytes..byte).unwrap_or_default().chars().count();
        self.bytes = byte;
        self.chars
    }
}

/// A match as jq shows it.
fn describe(found: &Captures<'_, str>, regex: &Regex, positions: &mut Positions<'_>) -> Result<Value, JqError> {
    let mut group = |index: usize| -> Result<Map, JqError> {
        let mut map = Map::with_capacity(4);
        match found.get(index) {
            Some(group) => {
                meter::take(group.as_str().len() + 8 * size_of::<Value>())?;
                map.insert("offset", positions.chars_before(group.start()) as u64);
                map.insert("length", group.as_str().chars().count() as u64);
                map.insert("string", group.as_str());
            }
            None => {
                map.insert("offset", -1);
                map.insert("length", 0);
                map.insert("string", Value::Null);
            }
        }
        Ok(map)
    };
    let mut whole = group(0)?;
    let mut captures = Vec::new();
    for (index, name) in regex.capture_names().enumerate().skip(1) {
        let mut capture = group(index)?;
        capture.insert("name", name.map_or(Value::Null, Value::from));
        captures.push(Value::from(capture));
    }
    whole.insert("captures", captures);
    Ok(whole.into())
}

/// The named groups of a match.
fn named_groups(found: &Captures<'_, str>, regex: &Regex) -> JqValue {
    let names = regex.capture_names().enumerate().filter_map(|(i, name)| Some((i, name?)));
    let groups = names.map(|(i, name)| (name, found.get(i).map_or(Value::Null, |group| group.as_str().into())));
    let map: Map = groups.collect();
    meter::grow(map.len() * 2 * size_of::<Value>() + found.get(0).map_or(0, |whole| whole.as_str().len()));
    map.into()
}
