//! The common functions on numbers; the exotic ones come from jaq's standard library.

use super::{Spec, once};
use crate::value::{
    Value, float_as_int,
    jaq::{JqResult, JqValue, fail, show},
};

pub(super) static NATIVES: [Spec; 19] = [
    Spec::new("infinite", "", |_| once(Ok(JqValue::scalar(f64::INFINITY)))),
    Spec::new("nan", "", |_| once(Ok(JqValue::scalar(f64::NAN)))),
    Spec::new("isnan", "", |cv| once(cv.1.number().map(|f| JqValue::scalar(f.is_nan())))),
    Spec::new("isinfinite", "", |cv| once(cv.1.number().map(|f| JqValue::scalar(f.is_infinite())))),
    Spec::new("floor", "", |cv| once(rounded(&cv.1, f64::floor))),
    Spec::new("ceil", "", |cv| once(rounded(&cv.1, f64::ceil))),
    Spec::new("round", "", |cv| once(rounded(&cv.1, f64::round))),
    Spec::new("trunc", "", |cv| once(rounded(&cv.1, f64::trunc))),
    Spec::new("sqrt", "", |cv| once(applied(&cv.1, f64::sqrt))),
    Spec::new("fabs", "", |cv| once(applied(&cv.1, f64::abs))),
    Spec::new("exp", "", |cv| once(applied(&cv.1, f64::exp))),
    Spec::new("exp2", "", |cv| once(applied(&cv.1, f64::exp2))),
    Spec::new("exp10", "", |cv| once(applied(&cv.1, |f| 10_f64.powf(f)))),
    Spec::new("log", "", |cv| once(applied(&cv.1, f64::ln))),
    Spec::new("log2", "", |cv| once(applied(&cv.1, f64::log2))),
    Spec::new("log10", "", |cv| once(applied(&cv.1, f64::log10))),
    Spec::new("abs", "", |cv| once(abs(cv.1))),
    Spec::new("pow", "vv", |mut cv| {
        let (exponent, base) = (cv.0.pop_var(), cv.0.pop_var());
        once((|| Ok(whole(base.number()?.powf(exponent.number()?))))())
    }),
    Spec::new("nearbyint", "", |cv| once(rounded(&cv.1, f64::round_ties_even))),
];

/// A float as a number value, an integer where it is whole.
fn whole(f: f64) -> JqValue {
    JqValue::scalar(float_as_int(f).map_or(Value::Float(f), Value::Int))
}

fn rounded(value: &JqValue, f: fn(f64) -> f64) -> JqResult {
    match &value.value {
        Value::Int(_) => Ok(value.clone()),
        _ => value.number().map(|number| whole(f(number))),
    }
}

fn applied(value: &JqValue, f: fn(f64) -> f64) -> JqResult {
    value.number().map(|number| whole(f(number)))
}

fn abs(value: JqValue) -> JqResult {
    match &value.value {
        Value::Int(i) => Ok(i.checked_abs().map_or_else(|| JqValue::scalar(-(*i as f64)), JqValue::scalar)),
        Value::Float(f) => Ok(JqValue::scalar(f.abs())),
        Value::Null | Value::Bool(_) => fail(format!("{} has no absolute value", show(&value.value))),
        _ => Ok(value),
    }
}
