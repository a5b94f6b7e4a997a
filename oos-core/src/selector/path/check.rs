//! What the grammar of `jsonpath-rust` lets pass and RFC 9535 does not: types of function arguments and results.

use jsonpath_rust::parser::model::{
    Comparable, Filter, FilterAtom, FnArg, JpQuery, Segment, Selector, Test, TestFunction,
};

type Checked = Result<(), String>;

/// Checks a query that has at most so many parts.
pub(super) fn check(query: &JpQuery, most: usize) -> Checked {
    let mut left = most;
    segments(&query.segments, &mut left)
}

fn count(left: &mut usize) -> Checked {
    *left = left.checked_sub(1).ok_or_else(|| "the query is too large".to_owned())?;
    Ok(())
}

fn segments(segments: &[Segment], left: &mut usize) -> Checked {
    segments.iter().try_for_each(|segment| self::segment(segment, left))
}

fn segment(segment: &Segment, left: &mut usize) -> Checked {
    count(left)?;
    match segment {
        Segment::Descendant(inner) => self::segment(inner, left),
        Segment::Selector(selector) => self::selector(selector, left),
        Segment::Selectors(selectors) => selectors.iter().try_for_each(|selector| self::selector(selector, left)),
    }
}

fn selector(selector: &Selector, left: &mut usize) -> Checked {
    count(left)?;
    match selector {
        Selector::Filter(filter) => self::filter(filter, left),
        _ => Ok(()),
    }
}

fn filter(filter: &Filter, left: &mut usize) -> Checked {
    count(left)?;
    match filter {
        Filter::Or(filters) | Filter::And(filters) => filters.iter().try_for_each(|inner| self::filter(inner, left)),
        Filter::Atom(FilterAtom::Filter { expr, .. }) => self::filter(expr, left),
        Filter::Atom(FilterAtom::Test { expr, .. }) => match &**expr {
            Test::Function(function) if !is_logical(function) => {
                Err("the result of the function must be compared".to_owned())
            }
            test => self::test(test, left),
        },
        Filter::Atom(FilterAtom::Comparison(comparison)) => {
            let (a, b) = comparison.vals();
            comparable(a, left)?;
            comparable(b, left)
        }
    }
}

fn comparable(comparable: &Comparable, left: &mut usize) -> Checked {
    match comparable {
        Comparable::Function(function) if is_logical(function) => {
            Err("the result of `match` and `search` cannot be compared".to_owned())
        }
        Comparable::Function(function) => self::function(function, left),
        Comparable::Literal(_) | Comparable::SingularQuery(_) => Ok(()),
    }
}

fn is_logical(function: &TestFunction) -> bool {
    matches!(function, TestFunction::Match(..) | TestFunction::Search(..) | TestFunction::Custom(..))
}

fn test(test: &Test, left: &mut usize) -> Checked {
    match test {
        Test::RelQuery(inner) => segments(inner, left),
        Test::AbsQuery(query) => segments(&query.segments, left),
        Test::Function(function) => self::function(function, left),
    }
}

fn function(function: &TestFunction, left: &mut usize) -> Checked {
    count(left)?;
    match function {
        TestFunction::Custom(name, _) => Err(format!("there is no function `{name}`")),
        TestFunction::Length(arg) => value_arg(arg, left),
        TestFunction::Value(arg) | TestFunction::Count(arg) => nodes_arg(arg, left),
        TestFunction::Search(text, pattern) | TestFunction::Match(text, pattern) => {
            value_arg(text, left)?;
            value_arg(pattern, left)
        }
    }
}

/// An argument that must be one value: a literal, a query for at most one node, or a function that gives a value.
fn value_arg(arg: &FnArg, left: &mut usize) -> Checked {
    let FnArg::Test(inner) = arg else {
        return match arg {
            FnArg::Literal(_) => Ok(()),
            _ => Err("a function takes no condition as its argument".to_owned()),
        };
    };
    let singular = match &**inner {
        Test::RelQuery(segments) => is_singular(segments),
        Test::AbsQuery(query) => is_singular(&query.segments),
        Test::Function(function) => !is_logical(function),
    };
    if !singular {
        return Err("the argument of the function must be a single value".to_owned());
    }
    test(inner, left)
}

/// An argument that must be a query.
fn nodes_arg(arg: &FnArg, left: &mut usize) -> Checked {
    match arg {
        FnArg::Test(inner) if !matches!(**inner, Test::Function(_)) => test(inner, left),
        _ => Err("the argument of the function must be a query".to_owned()),
    }
}

fn is_singular(segments: &[Segment]) -> bool {
    segments.iter().all(|segment| matches!(segment, Segment::Selector(Selector::Name(_) | Selector::Index(_))))
}
