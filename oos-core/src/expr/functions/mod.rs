//! The table of `Fn::` functions: name → arity and fn pointer (template-language 4).

use std::{collections::BTreeMap, fmt, sync::Arc};

use super::ExprError;
use crate::{Limits, Timestamp, Value, selector::SelectorCache};

/// What a function may look at beside its arguments.
#[derive(Debug)]
pub struct FunctionContext<'a> {
    /// The instant of the evaluation.
    pub now: Timestamp,
    /// Bounds.
    pub limits: &'a Limits,
    /// Compiled programs.
    pub selectors: &'a SelectorCache,
}

/// How a function takes its argument.
#[derive(Clone, Copy)]
pub enum Kind {
    /// The evaluated argument is handed over as it is.
    Strict(fn(&Value, &FunctionContext<'_>) -> Result<Value, ExprError>),
    /// `Fn::If`: only the condition and the taken branch are evaluated.
    If,
    /// `Fn::And`: left to right, stops at the first false.
    And,
    /// `Fn::Or`: left to right, stops at the first true.
    Or,
    /// `Fn::Not`: of a condition.
    Not,
    /// `Fn::Replace`: the keys of the first argument are evaluated too.
    Replace,
}

/// One function.
#[derive(Clone)]
pub struct Function {
    /// Name with `Fn::`.
    pub name: Arc<str>,
    /// Fewest and most arguments when the argument is a literal list; `None` when it need not be a list.
    pub arity: Option<(usize, usize)>,
    /// How it takes its argument.
    pub kind: Kind,
    /// True when it may stand in `AggregateType`.
    pub aggregates: bool,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// All functions that templates may call; a host may register more.
#[derive(Clone, Debug)]
pub struct Functions(Arc<BTreeMap<Arc<str>, Arc<Function>>>);

impl Functions {
    /// The function of that exact name.
    pub fn get(&self, name: &str) -> Option<&Arc<Function>> {
        self.0.get(name)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|k| &**k)
    }

    /// The same functions and one of the host's, which replaces one of the same name.
    #[must_use]
    pub fn with(mut self, function: Function) -> Self {
        Arc::make_mut(&mut self.0).insert(function.name.clone(), Arc::new(function));
        self
    }
}

impl Default for Functions {
    fn default() -> Self {
        Self(Arc::default())
    }
}
