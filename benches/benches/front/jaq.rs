//! jaq as its own crates run it: compiled once with its standard library, on its own value.

use jaq_core::{
    Compiler, Ctx, Native, Vars, compile, data,
    load::{Arena, File, Loader},
    unwrap_valr,
};
use jaq_json::Val;

type Kind = data::JustLut<Val>;

/// A compiled program.
pub(crate) struct Program(compile::Filter<Native<Kind>>);

impl Program {
    /// Compiles with the whole standard library.
    pub(crate) fn with_library(code: &str) -> Self {
        let arena = Arena::default();
        let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let modules = Loader::new(defs).load(&arena, File { code, path: () }).map_err(|_| "load").unwrap();
        let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        Self(Compiler::default().with_funs(funs).compile(modules).map_err(|_| "compile").unwrap())
    }

    /// All results.
    pub(crate) fn run(&self, input: &Val) -> Vec<Val> {
        let context = Ctx::<Kind>::new(&self.0.lut, Vars::new([]));
        self.0.id.run((context, input.clone())).map(|result| unwrap_valr(result).unwrap()).collect()
    }
}

/// A document as jaq's value.
pub(crate) fn read(json: &str) -> Val {
    jaq_json::read::parse_single(json.as_bytes()).unwrap()
}
