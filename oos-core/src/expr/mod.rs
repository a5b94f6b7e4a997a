//! Expressions: `{{ }}` references and `Fn::` functions anywhere in a node, compiled once, evaluated often.
//!
//! [`compile`] turns a [`Node`](crate::source::Node) into an [`Expr`] and resolves every name to an index through
//! [`Names`], so evaluation never looks a name up. [`evaluate`] needs a [`Scope`]; a value of the parameter store that
//! is not there yet stops it with [`Stop::Need`], and the machine asks the host and evaluates again at the same
//! instant.

mod bound;
pub mod coerce;
mod error;
mod eval;
pub mod functions;
mod lexer;
mod parser;
mod pattern;
mod program;
mod resolve;
mod scope;

use std::{collections::BTreeSet, sync::Arc};

pub use error::ExprError;
pub use eval::{Stop, drop_nulls, evaluate, truth};
pub use functions::{Function, FunctionContext, Functions, Kind};
pub(crate) use lexer::store_references;
pub(crate) use parser::NESTING;
pub use parser::{Compiler, compile, compile_condition};
pub(crate) use program::selector_error;
pub use resolve::is_direct_reference;
pub use scope::{Match, NameKind, Names, Scope};

use crate::{Value, selector::Selector, source::Span};

/// A compiled expression with its place.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it was written.
    pub span: Option<Span>,
}

/// What an [`Expr`] is. A closed grammar: `match` finds the missing case.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A value without references or functions, whole subtrees included.
    Literal(Value),
    /// A whole reference: keeps the type of its value.
    Reference(Reference),
    /// Text with embedded references.
    Text(Arc<[Segment]>),
    /// A list with at least one member that is no literal.
    List(Arc<[Expr]>),
    /// A map with at least one member that is no literal; keys are literal.
    Map(Arc<[(Arc<str>, Expr)]>),
    /// A function applied to its argument.
    Call(Arc<Call>),
    /// A condition named where a condition is expected (index into the plan's conditions).
    Condition(usize),
}

/// A piece of text with embedded references.
#[derive(Clone, Debug)]
pub enum Segment {
    /// Text as it is.
    Literal(Arc<str>),
    /// A reference whose value is put in as text.
    Reference(Reference),
}

/// A function call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function.
    pub function: Arc<Function>,
    /// Its argument, not yet evaluated; functions such as `Fn::If` evaluate only parts of it.
    pub argument: Expr,
    /// Where the `Fn::` key stands.
    pub span: Option<Span>,
}

/// A resolved reference.
#[derive(Clone, Debug)]
pub struct Reference {
    /// What it names.
    pub target: Target,
    /// The text between the braces, for messages.
    pub text: Arc<str>,
    /// Where it stands inside its scalar, when that could be told.
    pub span: Option<Span>,
}

/// What a [`Reference`] names.
#[derive(Clone, Debug)]
pub enum Target {
    /// A system variable.
    Variable(Variable),
    /// A path into the loop item (`{{ ACS::TaskLoopItem.x }}`, tolerated).
    LoopItemPath(Arc<Selector>),
    /// A value of the parameter store.
    Store(StoreReference),
    /// A parameter, by index.
    Parameter(usize),
    /// An output of a task that is visible from outside, by index into the task's visible outputs.
    Output {
        /// Index of the task.
        task: usize,
        /// Index of the visible output.
        output: usize,
    },
    /// A path into the raw result of a task (template-language 3.6).
    Raw {
        /// Index of the task.
        task: usize,
        /// The path as selector.
        selector: Arc<Selector>,
        /// True when the path contains `[]`: the value is the list of all results.
        list: bool,
    },
}

/// The system variables (template-language 3.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Variable {
    /// `ACS::RegionId`.
    RegionId,
    /// `ACS::AccountId`.
    AccountId,
    /// `ACS::ExecutionId`.
    ExecutionId,
    /// `ACS::ExecuteUser`.
    ExecuteUser,
    /// `ACS::CurrentUTCTime`.
    CurrentUtcTime,
    /// `ACS::CurrentDate`.
    CurrentDate,
    /// `ACS::OOSUtilVersion`.
    OosUtilVersion,
    /// `ACS::TaskLoopItem`.
    TaskLoopItem,
    /// A variable that the embedder registered, as it was registered.
    Custom(Arc<str>),
}

impl Variable {
    /// The eight of the language, with the spelling after `ACS::`.
    pub const BUILT_IN: [(&'static str, Self); 8] = [
        ("RegionId", Self::RegionId),
        ("AccountId", Self::AccountId),
        ("ExecutionId", Self::ExecutionId),
        ("ExecuteUser", Self::ExecuteUser),
        ("CurrentUTCTime", Self::CurrentUtcTime),
        ("CurrentDate", Self::CurrentDate),
        ("OOSUtilVersion", Self::OosUtilVersion),
        ("TaskLoopItem", Self::TaskLoopItem),
    ];
}

pub use crate::ports::parameter_store::ParameterRef as StoreReference;

impl Expr {
    /// A literal without a place.
    pub fn literal(value: impl Into<Value>) -> Self {
        Self { kind: ExprKind::Literal(value.into()), span: None }
    }

    /// The value, when it is a literal.
    pub fn as_literal(&self) -> Option<&Value> {
        match &self.kind {
            ExprKind::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// The member of a map under `key`: of a literal map or a map of expressions.
    pub fn member(&self, key: &str) -> Option<Self> {
        match &self.kind {
            ExprKind::Literal(value) => {
                value.get(key).map(|v| Self { kind: ExprKind::Literal(v.clone()), span: self.span })
            }
            ExprKind::Map(map) => map.iter().find(|(k, _)| &**k == key).map(|(_, e)| e.clone()),
            _ => None,
        }
    }

    /// Calls `visit` on every reference in the expression, in document order.
    pub fn references(&self, visit: &mut dyn FnMut(&Reference)) {
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Condition(_) => {}
            ExprKind::Reference(reference) => visit(reference),
            ExprKind::Text(segments) => segments.iter().for_each(|segment| {
                if let Segment::Reference(reference) = segment {
                    visit(reference);
                }
            }),
            ExprKind::List(list) => list.iter().for_each(|e| e.references(visit)),
            ExprKind::Map(map) => map.iter().for_each(|(_, e)| e.references(visit)),
            ExprKind::Call(call) => call.argument.references(visit),
        }
    }

    /// Indices of the parameters that the expression reads.
    pub fn parameters(&self) -> BTreeSet<usize> {
        let mut read = BTreeSet::new();
        self.references(&mut |r| {
            if let Target::Parameter(index) = r.target {
                read.insert(index);
            }
        });
        read
    }

    /// How many levels an evaluation goes down, conditions that it names left out.
    pub(crate) fn levels(&self) -> usize {
        let below = match &self.kind {
            ExprKind::Literal(_) | ExprKind::Reference(_) | ExprKind::Text(_) | ExprKind::Condition(_) => 0,
            ExprKind::List(list) => list.iter().map(Self::levels).max().unwrap_or(0),
            ExprKind::Map(map) => map.iter().map(|(_, e)| e.levels()).max().unwrap_or(0),
            ExprKind::Call(call) => call.argument.levels(),
        };
        below + 1
    }

    /// True when the expression itself reads `ACS::TaskLoopItem`. Conditions, which it may name, cannot.
    pub fn reads_loop_item(&self) -> bool {
        let mut found = false;
        self.references(&mut |r| {
            found |= matches!(&r.target, Target::Variable(Variable::TaskLoopItem) | Target::LoopItemPath(_));
        });
        found
    }
}
