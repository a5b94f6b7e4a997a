//! The table of `Fn::` functions: name → arity and fn pointer (template-language 4).

pub(in crate::expr) mod args;
mod encoding;
mod jq;
mod list;
pub(in crate::expr) mod logic;
mod map;
mod math;
pub(in crate::expr) mod shape;
pub(in crate::expr) mod string;
mod time;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, LazyLock},
};

use self::shape::{Shape, Slot};
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

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Strict(_) => "Strict",
            Self::If => "If",
            Self::And => "And",
            Self::Or => "Or",
            Self::Not => "Not",
            Self::Replace => "Replace",
        })
    }
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

impl Function {
    /// Applies the function to the list of a loop's item values (template-language 6.6).
    ///
    /// CHOICE: null entries of failed and skipped items are left out for `Fn::Min`, `Fn::Max`, `Fn::And`, `Fn::Or`
    /// and `Fn::Intersection`, and the smallest of nothing is null (6.3: an empty loop gives null for Min and Max).
    ///
    /// # Errors
    /// `UnsupportedFunction` when it does not aggregate, and the function's own errors.
    pub fn aggregate(&self, values: &[Value], ctx: &FunctionContext<'_>) -> Result<Value, ExprError> {
        let present = || values.iter().filter(|v| !v.is_null()).cloned().collect::<Vec<_>>();
        let is_extreme = matches!(&*self.name, "Fn::Min" | "Fn::Max");
        match self.kind {
            Kind::And if self.aggregates => logic::junction(&present(), false),
            Kind::Or if self.aggregates => logic::junction(&present(), true),
            Kind::Strict(_) if is_extreme && values.iter().all(Value::is_null) => Ok(Value::Null),
            Kind::Strict(function) if is_extreme || &*self.name == "Fn::Intersection" => {
                function(&Value::from(present()), ctx)
            }
            Kind::Strict(function) if self.aggregates => function(&Value::from(values.to_vec()), ctx),
            _ => Err(ExprError::new("UnsupportedFunction", format!("`{}` does not aggregate", self.name))),
        }
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

/// The functions of the language.
impl Default for Functions {
    fn default() -> Self {
        static BUILT_IN: LazyLock<Functions> = LazyLock::new(|| {
            let functions = TABLE.iter().map(|entry| {
                let name: Arc<str> = entry.name.into();
                let (kind, aggregates) = (entry.kind, entry.aggregates);
                (name.clone(), Arc::new(Function { name, arity: entry.shape.arity(), kind, aggregates }))
            });
            Functions(Arc::new(functions.collect()))
        });
        BUILT_IN.clone()
    }
}

struct Entry {
    name: &'static str,
    kind: Kind,
    shape: Shape,
    aggregates: bool,
}

type Body = fn(&Value, &FunctionContext<'_>) -> Result<Value, ExprError>;

const fn strict(name: &'static str, body: Body, shape: Shape) -> Entry {
    Entry { name, kind: Kind::Strict(body), shape, aggregates: false }
}

const fn lazy(name: &'static str, kind: Kind, shape: Shape) -> Entry {
    Entry { name, kind, shape, aggregates: false }
}

const fn aggregating(entry: Entry) -> Entry {
    Entry { aggregates: true, ..entry }
}

const ANY: Slot = Slot::Any;
const LIST: Slot = Slot::List;
const NUMBER: Slot = Slot::Number;
const SCALAR: Slot = Slot::Scalar;
const PAIR: Shape = Shape::Fixed(2, &[SCALAR, SCALAR]);

/// Every function of template-language 4.2 and 4.4.
static TABLE: &[Entry] = &[
    strict("Fn::Base64Encode", encoding::base64_encode, Shape::One(ANY)),
    strict("Fn::Base64Decode", encoding::base64_decode, Shape::One(SCALAR)),
    strict("Fn::Escape", encoding::escape, PAIR),
    strict("Fn::IsIpInCIDR", encoding::is_ip_in_cidr, PAIR),
    strict("Fn::MergeMapToList", map::merge_map_to_list, Shape::Many(1, Slot::Map)),
    aggregating(strict("Fn::MergeMap", map::merge_map, Shape::Many(1, Slot::Map))),
    strict("Fn::MapJoin", map::map_join, Shape::Fixed(2, &[LIST, LIST])),
    strict("Fn::ConvertMapToList", map::convert_map_to_list, Shape::One(Slot::Container)),
    strict("Fn::Join", string::join, Shape::Fixed(2, &[SCALAR, ANY])),
    strict("Fn::Split", string::split, Shape::Fixed(2, &[SCALAR, ANY])),
    lazy("Fn::Replace", Kind::Replace, Shape::Fixed(2, &[Slot::Replacements, ANY])),
    strict("Fn::Sub", string::sub, Shape::OneOrList(1, &[ANY, Slot::Map])),
    strict("Fn::ContainsSubString", string::contains_sub_string, Shape::Fixed(2, &[ANY, SCALAR])),
    strict("Fn::Select", list::select, Shape::Fixed(2, &[SCALAR, Slot::Container, ANY])),
    strict("Fn::RangeSelect", list::range_select, Shape::Fixed(3, &[NUMBER, NUMBER, LIST])),
    aggregating(strict("Fn::First", list::first, Shape::One(LIST))),
    aggregating(strict("Fn::Last", list::last, Shape::One(LIST))),
    aggregating(strict("Fn::ListJoin", list::list_join, Shape::Many(0, ANY))),
    aggregating(strict("Fn::MergeList", list::merge_list, Shape::One(LIST))),
    strict("Fn::CalculateBatch", list::calculate_batch, Shape::Fixed(2, &[NUMBER, LIST])),
    aggregating(strict("Fn::Intersection", list::intersection, Shape::Many(1, LIST))),
    aggregating(strict("Fn::Union", list::union, Shape::Many(1, LIST))),
    strict("Fn::Difference", list::difference, Shape::Fixed(2, &[LIST, LIST])),
    strict("Fn::Equals", logic::equals, Shape::Fixed(2, &[ANY, ANY])),
    lazy("Fn::If", Kind::If, Shape::Fixed(3, &[ANY, ANY, ANY])),
    lazy("Fn::Not", Kind::Not, Shape::OneOrList(1, &[ANY])),
    aggregating(lazy("Fn::And", Kind::And, Shape::Many(2, ANY))),
    aggregating(lazy("Fn::Or", Kind::Or, Shape::Many(2, ANY))),
    aggregating(strict("Fn::Min", math::min, Shape::One(LIST))),
    aggregating(strict("Fn::Max", math::max, Shape::One(LIST))),
    aggregating(strict("Fn::Sum", math::sum, Shape::One(LIST))),
    strict("Fn::Eval", math::eval, Shape::OneOrList(1, &[SCALAR])),
    strict("Fn::AddHour", time::add_hour, Shape::Fixed(2, &[SCALAR, NUMBER])),
    strict("Fn::AddSecond", time::add_second, Shape::Fixed(2, &[SCALAR, NUMBER])),
    strict("Fn::FormatUTCTime", time::format_utc_time, PAIR),
    strict("Fn::CalculateTimeByOpsWindow", time::calculate_time_by_ops_window, PAIR),
    strict("Fn::DurationBetween", time::duration_between, PAIR),
    strict("Fn::Jq", jq::jq, Shape::Fixed(3, &[Slot::Method, Slot::Text, ANY])),
    strict("Fn::FindMatchedPackage", unsupported_here, Shape::Fixed(2, &[ANY, ANY])),
];

/// Known to the language, but only the service can do it: a host registers its own (template-language 4.4).
fn unsupported_here(_: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    Err(ExprError::new("UnsupportedFunction", "the host has not registered this function"))
}

/// The shape of a function of the language; `None` for one of the host's.
fn built_in_shape(function: &Arc<Function>) -> Option<Shape> {
    let built_in = Functions::default();
    built_in.get(&function.name).filter(|known| Arc::ptr_eq(known, function))?;
    TABLE.iter().find(|entry| entry.name == &*function.name).map(|entry| entry.shape)
}
