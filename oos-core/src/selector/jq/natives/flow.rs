//! Control flow, errors, paths and updates.
//!
//! All assignment operators end here: `p |= f` is `oos__modify(p; f)`, so that paths are collected first and every one
//! is set then, as jq does it.

use jaq_core::{Cv, Error, Exn, ValT, ValX};

use super::{Kind, Spec, once, once_x};
use crate::value::{
    Value,
    jaq::{JqError, JqResult, JqValue, access, fail, meter},
};

/// A path that a filter argument gave.
type Path = Vec<Value>;

pub(super) static NATIVES: [Spec; 20] = [
    Spec::new("empty", "", |_| Box::new(std::iter::empty())).with_paths(|_| Box::new(std::iter::empty())),
    Spec::new("error", "", |cv| once(Err(Error::new(cv.1))))
        .with_paths(|cv| Box::new(std::iter::once(Err(Error::new(cv.1.0).into())))),
    Spec::new("error", "v", |mut cv| once(Err(Error::new(cv.0.pop_var()))))
        .with_paths(|mut cv| Box::new(std::iter::once(Err(Error::new(cv.0.pop_var()).into())))),
    Spec::new("null", "", |_| once(Ok(JqValue::scalar(Value::Null)))),
    Spec::new("true", "", |_| once(Ok(JqValue::scalar(true)))),
    Spec::new("false", "", |_| once(Ok(JqValue::scalar(false)))),
    Spec::new("oos__deeper", "v", |mut cv| once(deeper(&cv.0.pop_var()))),
    Spec::new("oos__last_or_null", "f", |mut cv| {
        let (f, context) = cv.0.pop_fun();
        let last = f.run((context, cv.1)).try_fold(JqValue::scalar(Value::Null), |_, next| next);
        once_x(last)
    }),
    Spec::new("first", "f", |mut cv| {
        let (f, context) = cv.0.pop_fun();
        Box::new(f.run((context, cv.1)).next().into_iter())
    })
    .with_paths(|mut cv| {
        let (f, context) = cv.0.pop_fun();
        Box::new(f.paths((context, cv.1)).next().into_iter())
    }),
    Spec::new("last", "f", |mut cv| {
        let (f, context) = cv.0.pop_fun();
        Box::new(last(f.run((context, cv.1))).into_iter())
    })
    .with_paths(|mut cv| {
        let (f, context) = cv.0.pop_fun();
        Box::new(last(f.paths((context, cv.1))).into_iter())
    }),
    Spec::new("oos__limit", "vf", |mut cv| {
        let ((f, context), n) = (cv.0.pop_fun(), count(&cv.0.pop_var()));
        let all: jaq_core::ValXs<'_, _> = if n == 0 { Box::new(std::iter::empty()) } else { f.run((context, cv.1)) };
        Box::new(all.take(n))
    })
    .with_paths(|mut cv| {
        let ((f, context), n) = (cv.0.pop_fun(), count(&cv.0.pop_var()));
        if n == 0 { Box::new(std::iter::empty()) } else { Box::new(f.paths((context, cv.1)).take(n)) }
    }),
    Spec::new("oos__skip", "vf", |mut cv| {
        let ((f, context), n) = (cv.0.pop_fun(), count(&cv.0.pop_var()));
        Box::new(skip(f.run((context, cv.1)), n))
    })
    .with_paths(|mut cv| {
        let ((f, context), n) = (cv.0.pop_fun(), count(&cv.0.pop_var()));
        Box::new(skip(f.paths((context, cv.1)), n))
    }),
    Spec::new("oos__range", "vvv", |mut cv| {
        let (by, end, from) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
        match range(&from, &end, &by) {
            Ok(numbers) => Box::new(numbers.map(Ok)),
            Err(error) => once(Err(error)),
        }
    }),
    Spec::new("recurse", "", |cv| Box::new(descend(cv.1, |v| v.clone().values().flatten()).map(Ok))).with_paths(|cv| {
        Box::new(
            descend(cv.1, |(value, at)| {
                let at = at.clone();
                value.clone().key_values().flatten().map(move |(key, child)| (child, at.clone().cons(key)))
            })
            .map(Ok),
        )
    }),
    Spec::new("path", "f", |cv| {
        let depth = cv.1.depth();
        Box::new(paths(cv).map(move |path| Ok(JqValue::derived(path?.into(), depth.max(2)))))
    }),
    Spec::new("getpath", "v", |mut cv| {
        let path = cv.0.pop_var();
        once(get_path(&cv.1, &path))
    })
    .with_paths(|mut cv| {
        let path = cv.0.pop_var();
        let (value, at) = cv.1;
        let found = get_path(&value, &path).map(|found| {
            let keys = path.value.as_list().unwrap_or_default().iter();
            (found, keys.fold(at, |at, key| at.cons(path.child(key.clone()))))
        });
        Box::new(std::iter::once(found.map_err(Exn::from)))
    }),
    Spec::new("setpath", "vv", |mut cv| {
        let (new, path) = (cv.0.pop_var(), cv.0.pop_var());
        once(checked_path(&path, "Path must be specified as an array").and_then(|keys| set_path(cv.1, keys, new)))
    }),
    Spec::new("delpaths", "v", |mut cv| {
        let paths = cv.0.pop_var();
        once(delete_paths(cv.1, &paths))
    }),
    Spec::new("oos__assign", "fv", |mut cv| {
        let new = cv.0.pop_var();
        let mut value = cv.1.clone();
        let done = paths(cv).try_for_each(|path| {
            value = set_path(std::mem::replace(&mut value, JqValue::scalar(Value::Null)), &path?, new.clone())?;
            Ok(())
        });
        once_x(done.map(|()| value))
    }),
    Spec::new("oos__modify", "ff", |cv| once_x(modify(cv))),
];

/// The nesting of closures, one further down (see the rewriting of definitions).
fn deeper(depth: &JqValue) -> JqResult {
    let depth = depth.value.as_i64().unwrap_or(i64::MAX).saturating_add(1);
    if depth > i64::from(meter::MAX_CHAIN) {
        meter::trip(meter::Bound::Closures);
        return Err(meter::stopped());
    }
    Ok(JqValue::scalar(depth))
}

fn last<'a, T>(mut items: impl Iterator<Item = Result<T, Exn<'a, JqValue>>>) -> Option<Result<T, Exn<'a, JqValue>>> {
    items.try_fold(None, |_, item| item.map(Some)).transpose()
}

/// How many results a number means.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn count(n: &JqValue) -> usize {
    n.value.as_f64().map_or(0, |n| n.ceil() as usize)
}

fn skip<'a, T>(
    mut items: impl Iterator<Item = Result<T, Exn<'a, JqValue>>>,
    n: usize,
) -> impl Iterator<Item = Result<T, Exn<'a, JqValue>>> {
    let mut left = n;
    std::iter::from_fn(move || {
        while left > 0 {
            left -= 1;
            if let Err(error) = items.next()? {
                return Some(Err(error));
            }
        }
        items.next()
    })
}

/// The numbers of a range; stops when the steps are used up.
fn range(from: &JqValue, end: &JqValue, by: &JqValue) -> Result<impl Iterator<Item = JqValue> + use<>, JqError> {
    let wrong = || fail::<f64>("Range bounds must be numeric");
    let bound = |v: &JqValue| v.value.as_f64().map_or_else(wrong, Ok);
    let (start, stop, step) = (bound(from)?, bound(end)?, bound(by)?);
    let whole = matches!((&from.value, &by.value), (Value::Int(_), Value::Int(_)));
    let mut at = Some(from.value.clone());
    let by = by.value.clone();
    let mut float = start;
    Ok(std::iter::from_fn(move || {
        let inside = if step > 0.0 {
            float < stop
        } else if step < 0.0 {
            float > stop
        } else {
            float != stop
        };
        if !inside || !meter::charge(meter::TERM) {
            return None;
        }
        let current = at.take()?;
        at = Some(match (&current, &by) {
            (Value::Int(i), Value::Int(by)) if whole => Value::Int(i.checked_add(*by)?),
            _ => Value::Float(float + step),
        });
        float = at.as_ref()?.as_f64()?;
        Some(JqValue::scalar(current))
    }))
}

/// A value and everything in it, from the outside in. Without recursion, so that a value costs the same at any depth.
fn descend<T, I: Iterator<Item = T>>(root: T, children: impl Fn(&T) -> I) -> impl Iterator<Item = T> {
    let mut first = Some(root);
    let mut open: Vec<I> = Vec::new();
    std::iter::from_fn(move || {
        let next = loop {
            match first.take().or_else(|| open.last_mut()?.next()) {
                Some(next) => break next,
                None => open.pop().map(drop)?,
            }
        };
        open.push(children(&next));
        Some(next)
    })
}

/// The paths that the last filter argument gives on the input.
fn paths<'a>(mut cv: Cv<'a, Kind>) -> impl Iterator<Item = ValX<'a, Path, JqValue>> {
    let (f, context) = cv.0.pop_fun();
    f.paths((context, (cv.1, Default::default()))).map(|found| {
        let (_, path) = found?;
        let mut path: Path = path.iter().map(|key| key.value.clone()).collect();
        path.reverse();
        Ok(path)
    })
}

/// The keys of a path given as a value.
fn checked_path<'a>(path: &'a JqValue, otherwise: &str) -> Result<&'a [Value], JqError> {
    match path.value.as_list() {
        Some(keys) if keys.len() > meter::MAX_DEPTH as usize => fail("Path too deep"),
        Some(keys) => Ok(keys),
        None => fail(otherwise),
    }
}

fn get_path(value: &JqValue, path: &JqValue) -> JqResult {
    let keys = checked_path(path, "Path must be specified as an array")?;
    Ok(value.link(access::get_path(&value.value, keys)?, keys.len()))
}

fn set_path(mut value: JqValue, path: &[Value], new: JqValue) -> JqResult {
    let depth = value.depth().max(u32::try_from(path.len()).unwrap_or(u32::MAX).saturating_add(new.depth()));
    access::set_path(&mut value.value, path, new.value)?;
    Ok(JqValue::derived(value.value, depth))
}

fn delete_paths(mut value: JqValue, paths: &JqValue) -> JqResult {
    let list = match paths.value.as_list() {
        Some(list) => list,
        None => return fail("Paths must be specified as an array"),
    };
    meter::weigh(&paths.value, 1)?;
    let mut keys = Vec::with_capacity(list.len());
    for path in list {
        keys.push(checked_path_of(path)?);
    }
    access::delete_paths(&mut value.value, keys)?;
    Ok(value)
}

fn checked_path_of(path: &Value) -> Result<&[Value], JqError> {
    match path.as_list() {
        Some(keys) if keys.len() > meter::MAX_DEPTH as usize => fail("Path too deep"),
        Some(keys) => Ok(keys),
        None => fail("Path must be specified as an array"),
    }
}

/// `p |= f`: the first result of `f` for every path, and without a result the path is deleted in the end.
fn modify<'a>(mut cv: Cv<'a, Kind>) -> ValX<'a, JqValue> {
    let (f, context) = cv.0.pop_fun();
    let mut value = cv.1.clone();
    let found: Vec<Path> = paths(cv).collect::<Result<_, _>>()?;
    let mut deleted: Vec<&[Value]> = Vec::new();
    for path in &found {
        let depth = value.depth();
        let old = access::take_path(&mut value.value, path)?;
        let new = f.run((context.clone(), JqValue::derived(old, depth))).next();
        match new.transpose()? {
            Some(new) => value = set_path(value, path, new)?,
            None => deleted.push(path),
        }
    }
    access::delete_paths(&mut value.value, deleted)?;
    Ok(value)
}
