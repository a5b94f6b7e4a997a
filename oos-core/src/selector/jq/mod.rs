//! jq programs: compiled by jaq, run on the engine's values, within bounds.
//!
//! jaq has no way to stop a program from outside. It does, however, ask its data for the table of terms before every
//! evaluation step (`HasLut::lut`). There the steps and the stack are counted; once a bound is hit, another table is
//! given, in which every term is an error. So the program unwinds by itself, whatever it was doing.

mod library;
mod natives;
mod parse;
pub(super) mod regex;

use std::{fmt, sync::OnceLock};

use jaq_core::{
    Ctx, DataT, Filter, Lut, Vars,
    compile::Compiler,
    data::HasLut,
    load::{
        Arena, File, Loader,
        parse::{Def, Term},
    },
};

use super::{Limits, SelectorError};
use crate::value::{
    Value,
    jaq::{JqValue, meter, text},
};

/// Bytes that the values of one run may take together, as a multiple of the bytes of one value.
// CHOICE: intermediate values count too, also those that are gone.
const ROOM_FOR_INTERMEDIATES: usize = 4;

/// The name under which a program is compiled.
const MAIN: &str = "oos__main";

/// The kind of jaq programs that run here.
struct Kind;

impl DataT for Kind {
    type V<'a> = JqValue;
    type Data<'a> = Data<'a>;
}

/// What a running program refers to.
#[derive(Clone, Copy)]
struct Data<'a> {
    lut: &'a Lut<Kind>,
    stop: &'a Lut<Kind>,
    patterns: &'a regex::Patterns,
}

impl<'a> HasLut<'a, Kind> for Data<'a> {
    fn lut(&self) -> &'a Lut<Kind> {
        if meter::charge(meter::TERM) { self.lut } else { self.stop }
    }
}

/// A compiled program.
pub(super) struct Program {
    filter: Filter<Kind>,
    constants: Vec<Value>,
    stop: &'static Lut<Kind>,
    patterns: regex::Patterns,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("constants", &self.constants.len()).finish_non_exhaustive()
    }
}

/// Compiles a program.
///
/// # Errors
/// What is wrong, and where if that is known.
pub(super) fn compile(text: &str) -> Result<Program, (String, Option<usize>)> {
    let arena = Arena::default();
    let tree = parse::parse(text, &arena).map_err(|mistake| (mistake.message, mistake.offset))?;
    let needed = library::needed(&tree.calls);
    let main = Def { name: MAIN, args: Vec::new(), body: tree.main };
    let definitions: Vec<Def<&str>> = needed.definitions.into_iter().chain([main]).collect();
    let names = tree.constants.iter().map(|(name, _)| *name);
    let filter = link(&arena, definitions, needed.natives, names.chain([parse::DEPTH]))?;
    let stop = stop_table(&filter).ok_or_else(|| ("the program is too large".to_owned(), None))?;
    let zero = std::iter::once(Value::Int(0));
    let constants = tree.constants.into_iter().map(|(_, value)| value).chain(zero).collect();
    Ok(Program { filter, constants, stop, patterns: regex::Patterns::default() })
}

/// Compiles definitions, the last of which is the program.
fn link<'s>(
    arena: &'s Arena,
    definitions: Vec<Def<&'s str>>,
    natives: Vec<jaq_core::native::Fun<Kind>>,
    variables: impl Iterator<Item = &'s str>,
) -> Result<Filter<Kind>, (String, Option<usize>)> {
    let file = File { code: MAIN, path: () };
    let modules = Loader::new(definitions).load(arena, file).map_err(|_| internal("load"))?;
    let compiler = Compiler::default().with_funs(natives).with_global_vars(variables);
    compiler.compile(modules).map_err(|errors| {
        let names = errors.iter().flat_map(|(_, undefined)| undefined).map(|(name, _)| *name);
        internal(&names.collect::<Vec<_>>().join(", "))
    })
}

/// The parser knows every name, so this means that library and parser disagree.
fn internal(what: &str) -> (String, Option<usize>) {
    (format!("the library of jq filters is incomplete: {what}"), None)
}

/// The table of terms for programs that must stop: every term is an error, and there are at least as many terms and
/// native filters as in the table of the program. `None` for a program that is too large.
fn stop_table(filter: &Filter<Kind>) -> Option<&'static Lut<Kind>> {
    const SIZES: [usize; 4] = [256, 2_048, 16_384, 65_536];
    static TABLES: [OnceLock<Option<Filter<Kind>>>; 4] = [const { OnceLock::new() }; 4];
    let tables = TABLES.iter().zip(SIZES);
    let mut tables = tables.filter_map(|(table, size)| table.get_or_init(|| build_stop_table(size)).as_ref());
    // The entry of a program that is a single call is its last term, so identifiers compare like sizes.
    tables.find(|table| table.id >= filter.id).map(|table| &table.lut)
}

fn build_stop_table(size: usize) -> Option<Filter<Kind>> {
    const STOP: &str = "oos__stop";
    let arena = Arena::default();
    let stop = || Def { name: MAIN, args: Vec::new(), body: Term::Call(STOP, Vec::new()) };
    let natives = (0..library::native_count()).map(|_| natives::stop(STOP).fun());
    link(&arena, (0..size).map(|_| stop()).collect(), natives.collect(), std::iter::empty()).ok()
}

impl Program {
    /// All results on an input.
    ///
    /// # Errors
    /// What jq says, or the bound that was hit.
    pub(super) fn run(&self, input: &Value, limits: &Limits) -> Result<Vec<Value>, SelectorError> {
        let bytes = limits.value_bytes.saturating_mul(ROOM_FOR_INTERMEDIATES) as u64;
        let _guard = meter::Guard::start(limits.selector_steps, bytes, limits.regex_steps);
        let results = self.results(input, limits);
        match meter::hit() {
            Some(bound) => Err(SelectorError::Limit { what: bound.as_str().into() }),
            None => results,
        }
    }

    fn results(&self, input: &Value, limits: &Limits) -> Result<Vec<Value>, SelectorError> {
        let data = Data { lut: &self.filter.lut, stop: self.stop, patterns: &self.patterns };
        let variables = Vars::new(self.constants.iter().cloned().map(JqValue::input));
        let context = Ctx::<Kind>::new(data, variables);
        let mut results = Vec::new();
        for result in self.filter.id.run((context, JqValue::input(input.clone()))) {
            let value = result.map_err(|exception| failure(exception.get_err().ok()))?.value;
            if results.len() >= limits.selector_results {
                return Err(SelectorError::Limit { what: "too many results".into() });
            }
            let bytes = weigh(&value, limits.value_bytes);
            if bytes > limits.value_bytes {
                return Err(SelectorError::Limit { what: meter::Bound::Bytes.as_str().into() });
            }
            results.push(value);
        }
        Ok(results)
    }
}

/// The error of a run; none for a `break` that nothing catches, which the parser does not let pass.
fn failure(error: Option<crate::value::jaq::JqError>) -> SelectorError {
    let message = error.map_or_else(|| "break".to_owned(), text::message);
    SelectorError::Run { message: message.into() }
}

/// About how many bytes a value has as text, but no more than `most` and one part: shared parts count as often as they
/// occur, so this can be far more than it takes in memory.
fn weigh(value: &Value, most: usize) -> usize {
    // CHOICE: brackets, quotes and commas around a member.
    const AROUND: usize = 4;
    let add = |sum: usize, value: &Value| {
        if sum > most { Err(sum) } else { Ok(sum + weigh(value, most - sum)) }
    };
    match value {
        Value::String(s) => s.len() + AROUND,
        Value::List(list) => list.iter().try_fold(AROUND, add).unwrap_or_else(|sum| sum),
        Value::Map(map) => {
            map.iter().try_fold(AROUND, |sum, (k, v)| add(sum + k.len() + AROUND, v)).unwrap_or_else(|sum| sum)
        }
        _ => AROUND,
    }
}
