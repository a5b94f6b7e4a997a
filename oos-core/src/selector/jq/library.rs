//! The filters that programs may call, and the choice of those that one program needs.
//!
//! jaq's standard library compiles in a third of a millisecond; a program names two or three of its filters. So every
//! program gets only what it names and what that names in turn.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use jaq_core::{
    load::{
        self,
        lex::StrPart,
        parse::{Def, Term},
    },
    native::Fun,
    path::{Part, Path},
};

use super::{
    Kind,
    natives::{self, Signature},
};
use crate::diagnostic::nearest;

/// Mathematical functions that are taken from jaq's standard library.
const MATH: [Signature; 40] = [
    ("acos", 0),
    ("acosh", 0),
    ("asin", 0),
    ("asinh", 0),
    ("atan", 0),
    ("atanh", 0),
    ("cbrt", 0),
    ("cos", 0),
    ("cosh", 0),
    ("erf", 0),
    ("expm1", 0),
    ("frexp", 0),
    ("ilogb", 0),
    ("j0", 0),
    ("j1", 0),
    ("lgamma", 0),
    ("log1p", 0),
    ("modf", 0),
    ("rint", 0),
    ("sin", 0),
    ("sinh", 0),
    ("tan", 0),
    ("tanh", 0),
    ("tgamma", 0),
    ("y0", 0),
    ("y1", 0),
    ("atan2", 2),
    ("copysign", 2),
    ("fdim", 2),
    ("fmax", 2),
    ("fmin", 2),
    ("fmod", 2),
    ("hypot", 2),
    ("jn", 2),
    ("ldexp", 2),
    ("nextafter", 2),
    ("remainder", 2),
    ("scalbln", 2),
    ("yn", 2),
    ("fma", 3),
];

/// A filter that is defined in jq, with what it calls.
struct Definition {
    def: Def<&'static str>,
    calls: Vec<Signature>,
}

fn definitions() -> &'static [Definition] {
    static DEFINITIONS: OnceLock<Vec<Definition>> = OnceLock::new();
    DEFINITIONS.get_or_init(|| {
        let defs = load::parse(include_str!("defs.jq"), |p| p.defs()).unwrap_or_default();
        defs.into_iter().map(definition).collect()
    })
}

fn definition(def: Def<&'static str>) -> Definition {
    let mut calls = BTreeSet::new();
    calls_of(&def.body, &mut calls);
    Definition { def, calls: calls.into_iter().collect() }
}

/// Where a filter comes from.
#[derive(Clone, Copy)]
enum Source {
    /// Position among the definitions.
    Definition(usize),
    Native(&'static natives::Spec),
    Math(Signature),
}

fn sources() -> &'static BTreeMap<Signature, Source> {
    static SOURCES: OnceLock<BTreeMap<Signature, Source>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let math = MATH.into_iter().map(|signature| (signature, Source::Math(signature)));
        let natives = natives::all().map(|spec| ((spec.name, spec.arity()), Source::Native(spec)));
        let definitions = definitions().iter().enumerate();
        let definitions = definitions.map(|(i, d)| ((d.def.name, d.def.args.len()), Source::Definition(i)));
        math.chain(natives).chain(definitions).collect()
    })
}

fn source(name: &str, arity: usize) -> Option<Source> {
    // A shorter lifetime of the keys lets the map be asked for any text.
    let sources: &BTreeMap<(&str, usize), Source> = sources();
    sources.get(&(name, arity)).copied()
}

/// True if there is such a filter.
pub(super) fn has(name: &str, arity: usize) -> bool {
    source(name, arity).is_some()
}

/// What was probably meant by a name that is not defined with so many arguments; empty when nothing suggests itself.
pub(super) fn hint(name: &str) -> String {
    let known = || names().filter(|(known, _)| !known.starts_with("oos__"));
    let arities: Vec<String> = known().filter(|(known, _)| *known == name).map(|(_, n)| n.to_string()).collect();
    if !arities.is_empty() {
        return format!("; the number of its arguments is {}", arities.join(" or "));
    }
    match nearest(name, known().map(|(known, _)| known)) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if name.contains(|c: char| c.is_ascii_uppercase()) => format!("; `.{name}` reads a member"),
        None => String::new(),
    }
}

/// The signatures of all filters.
pub(super) fn names() -> impl Iterator<Item = Signature> {
    sources().keys().copied()
}

/// How many native filters there are.
pub(super) fn native_count() -> usize {
    sources().values().filter(|source| !matches!(source, Source::Definition(_))).count()
}

/// What a program needs: definitions in their order, and native filters.
#[derive(Default)]
pub(super) struct Needed {
    pub(super) definitions: Vec<Def<&'static str>>,
    pub(super) natives: Vec<Fun<Kind>>,
}

/// What a program that makes these calls needs.
pub(super) fn needed(calls: &[(&str, usize)]) -> Needed {
    let mut needed = Needed::default();
    let mut open: Vec<(&str, usize)> = calls.to_vec();
    let (mut found, mut native, mut math) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    while let Some((name, arity)) = open.pop() {
        match source(name, arity) {
            Some(Source::Definition(i)) if found.insert(i) => {
                open.extend(definitions().get(i).into_iter().flat_map(|d| &d.calls).copied());
            }
            Some(Source::Native(spec)) if native.insert((spec.name, arity)) => needed.natives.push(spec.fun()),
            Some(Source::Math(signature)) if native.insert(signature) => math.push(signature),
            _ => {}
        }
    }
    needed.definitions = found.into_iter().filter_map(|i| definitions().get(i)).map(|d| d.def.clone()).collect();
    if !math.is_empty() {
        needed.natives.extend(jaq_std::funs().filter(|(name, args, _)| math.contains(&(*name, args.len()))));
    }
    needed
}

/// Collects the calls in the body of a definition; those of its parameters and inner definitions do no harm.
fn calls_of(term: &Term<&'static str>, calls: &mut BTreeSet<Signature>) {
    match term {
        Term::Call(name, args) => {
            calls.insert((name, args.len()));
            args.iter().for_each(|arg| calls_of(arg, calls));
        }
        Term::Str(format, parts) => {
            calls.extend(format.map(|format| (format, 0)));
            for part in parts {
                if let StrPart::Term(term) = part {
                    calls_of(term, calls);
                }
            }
        }
        Term::Arr(Some(term)) | Term::Neg(term) | Term::Label(_, term) => calls_of(term, calls),
        Term::Obj(members) => members.iter().for_each(|(key, value)| {
            calls_of(key, calls);
            value.iter().for_each(|value| calls_of(value, calls));
        }),
        Term::BinOp(left, _, right) => {
            calls_of(left, calls);
            calls_of(right, calls);
        }
        Term::Fold(_, source, _, args) => {
            calls_of(source, calls);
            args.iter().for_each(|arg| calls_of(arg, calls));
        }
        Term::TryCatch(body, handler) => {
            calls_of(body, calls);
            handler.iter().for_each(|handler| calls_of(handler, calls));
        }
        Term::IfThenElse(branches, otherwise) => {
            branches.iter().for_each(|(condition, then)| {
                calls_of(condition, calls);
                calls_of(then, calls);
            });
            otherwise.iter().for_each(|otherwise| calls_of(otherwise, calls));
        }
        Term::Def(definitions, rest) => {
            definitions.iter().for_each(|definition| calls_of(&definition.body, calls));
            calls_of(rest, calls);
        }
        Term::Path(term, path) => {
            calls_of(term, calls);
            calls_of_path(path, calls);
        }
        Term::Id | Term::Recurse | Term::Num(_) | Term::Arr(None) | Term::Break(_) | Term::Var(_) => {}
    }
}

fn calls_of_path(path: &Path<Term<&'static str>>, calls: &mut BTreeSet<Signature>) {
    for (part, _) in &path.0 {
        match part {
            Part::Index(term) => calls_of(term, calls),
            Part::Range(start, end) => start.iter().chain(end).for_each(|term| calls_of(term, calls)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_of_the_library_compiles() {
        assert!(definitions().len() > 90, "the definitions do not parse");
        for (name, arity) in names().filter(|(name, _)| !name.starts_with("oos__")) {
            let text = match arity {
                0 => name.to_owned(),
                _ => format!("{name}({})", vec!["."; arity].join("; ")),
            };
            assert!(super::super::compile(&text).is_ok(), "{text}: {:?}", super::super::compile(&text));
        }
    }

    #[test]
    fn a_program_gets_only_what_it_names() {
        let needed = needed(&[("map", 1)]);
        assert_eq!((needed.definitions.len(), needed.natives.len()), (1, 0));
        let needed = super::needed(&[("select", 1), ("length", 0)]);
        assert_eq!(needed.definitions.len(), 1);
        let mut natives: Vec<_> = needed.natives.iter().map(|(name, ..)| *name).collect();
        natives.sort_unstable();
        assert_eq!(natives, ["empty", "length"]);
    }

    #[test]
    fn what_reaches_beyond_the_input_is_absent() {
        for name in [
            "halt",
            "halt_error",
            "env",
            "now",
            "localtime",
            "debug",
            "stderr",
            "input",
            "inputs",
            "input_filename",
            "input_line_number",
            "get_search_list",
            "modulemeta",
            "debug_empty",
            "stderr_empty",
        ] {
            assert!(!has(name, 0), "{name}");
        }
        for name in ["halt", "halt_error", "debug", "strflocaltime", "input_line_number"] {
            assert!(!has(name, 1), "{name}");
        }
    }
}
