//! The value trait of jaq's interpreter: literals, paths, updates.

use std::sync::Arc;

use jaq_core::{ValT, ValX, box_iter::BoxIter, path::Opt, val};

use super::{JqError, JqResult, JqValue, access, fail, kind, meter, text};
use crate::value::{Map, Value};

impl From<bool> for JqValue {
    fn from(b: bool) -> Self {
        Self::scalar(b)
    }
}

impl From<isize> for JqValue {
    fn from(i: isize) -> Self {
        Self::scalar(i as i64)
    }
}

impl From<String> for JqValue {
    fn from(s: String) -> Self {
        meter::grow(s.len());
        Self::scalar(s)
    }
}

impl From<val::Range<Self>> for JqValue {
    fn from(range: val::Range<Self>) -> Self {
        let bounds = [("start", range.start), ("end", range.end)];
        let bound = |(name, bound): (&'static str, Option<Self>)| (name, bound.map_or(Value::Null, |b| b.value));
        bounds.into_iter().map(bound).collect::<Map>().into()
    }
}

impl FromIterator<Self> for JqValue {
    fn from_iter<I: IntoIterator<Item = Self>>(items: I) -> Self {
        let mut depth = 0;
        let mut list = Vec::new();
        for item in items {
            if !meter::grow(size_of::<Value>()) {
                break;
            }
            depth = depth.max(item.depth());
            list.push(item.value);
        }
        Self::derived(Value::List(Arc::new(list)), depth + 1)
    }
}

/// The members of a list or map, without copying the container.
struct Members {
    of: JqValue,
    next: usize,
}

impl Iterator for Members {
    type Item = JqResult;

    fn next(&mut self) -> Option<JqResult> {
        let item = match &self.of.value {
            Value::List(list) => list.get(self.next)?.clone(),
            Value::Map(map) => map.get_index(self.next)?.1.clone(),
            _ => return None,
        };
        self.next += 1;
        Some(Ok(self.of.child(item)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let all = match &self.of.value {
            Value::List(list) => list.len(),
            Value::Map(map) => map.len(),
            _ => 0,
        };
        let left = all.saturating_sub(self.next);
        (left, Some(left))
    }
}

fn once(error: JqError) -> BoxIter<'static, JqResult> {
    Box::new(std::iter::once(Err(error)))
}

impl ValT for JqValue {
    fn from_num(text: &str) -> JqResult {
        match text.parse::<f64>() {
            Ok(f) => Ok(Self::scalar(f)),
            Err(_) => fail(format!("`{text}` is not a number")),
        }
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(members: I) -> JqResult {
        let mut depth = 0;
        let mut map = Map::new();
        for (key, member) in members {
            meter::take(2 * size_of::<Value>())?;
            let Value::String(key) = &key.value else {
                return fail(format!("Object keys must be strings, not {}", super::show(&key.value)));
            };
            depth = depth.max(member.depth());
            map.insert(key.clone(), member.value);
        }
        Ok(Self::derived(map.into(), depth + 1))
    }

    fn key_values(self) -> BoxIter<'static, Result<(Self, Self), JqError>> {
        let keys: Vec<Self> = match &self.value {
            Value::List(list) => (0..list.len()).map(|i| Self::scalar(i as u64)).collect(),
            Value::Map(map) => map.keys().map(|key| Self::scalar(key.clone())).collect(),
            other => return Box::new(std::iter::once(Err(access::not_iterable(other)))),
        };
        match meter::take(keys.len() * size_of::<Value>()) {
            Ok(()) => Box::new(keys.into_iter().zip(self.values()).map(|(key, value)| Ok((key, value?)))),
            Err(stopped) => Box::new(std::iter::once(Err(stopped))),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = JqResult>> {
        match &self.value {
            Value::List(_) | Value::Map(_) if meter::charge(meter::TERM) => Box::new(Members { of: self, next: 0 }),
            Value::List(_) | Value::Map(_) => once(meter::stopped()),
            other => once(access::not_iterable(other)),
        }
    }

    fn index(self, key: &Self) -> JqResult {
        meter::spend(meter::TERM)?;
        let found = access::get(&self.value, &key.value)?;
        Ok(match (&self.value, &key.value) {
            (Value::Null, _) | (_, Value::Map(_) | Value::List(_)) => self.link(found, 1),
            _ => self.child(found),
        })
    }

    fn range(self, range: val::Range<&Self>) -> JqResult {
        let bound = |bound: Option<&Self>| bound.map_or(Value::Null, |b| b.value.clone());
        let part = access::slice(&self.value, &bound(range.start), &bound(range.end))?;
        Ok(self.link(part, 1))
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(self, opt: Opt, f: impl Fn(Self) -> I) -> ValX<'a, Self> {
        let mut depth = self.depth();
        let mut first = |child: Value| -> Result<Option<Value>, _> {
            let new = f(self.child(child)).next().transpose()?;
            depth = depth.max(new.as_ref().map_or(0, |new| new.depth() + 1));
            Ok(new.map(|new| new.value))
        };
        let changed = match &self.value {
            Value::List(list) => {
                let items = list.iter().filter_map(|item| first(item.clone()).transpose());
                items.collect::<Result<Vec<Value>, jaq_core::Exn<'a, Self>>>()?.into()
            }
            Value::Map(map) => {
                let members = map.iter().filter_map(|(k, v)| Some((k.clone(), first(v.clone()).transpose()?)));
                members.map(|(k, v)| Ok((k, v?))).collect::<Result<Map, jaq_core::Exn<'a, Self>>>()?.into()
            }
            _ => return opt.fail(self, |v| access::not_iterable(&v.value).into()),
        };
        Ok(Self::derived(changed, depth))
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        mut self,
        key: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        let old = match self.clone().index(key) {
            Ok(old) => old,
            Err(error) => return opt.fail(self, |_| error.into()),
        };
        match f(old).next().transpose()? {
            Some(new) => {
                let depth = self.depth().max(new.depth() + 1);
                access::set(&mut self.value, &key.value, new.value)?;
                Ok(Self::derived(self.value, depth))
            }
            None => {
                access::delete_paths(&mut self.value, vec![std::slice::from_ref(&key.value)])?;
                Ok(self)
            }
        }
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: val::Range<&Self>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        self.map_index(&Self::from(range.start.cloned()..range.end.cloned()), opt, f)
    }

    fn as_bool(&self) -> bool {
        !matches!(self.value, Value::Null | Value::Bool(false))
    }

    fn into_string(self) -> Self {
        match self.value {
            Value::String(_) => self,
            // A bound was hit if this fails; it stays hit, so the value does not matter.
            other => Self::scalar(text::plain(&other).unwrap_or_default()),
        }
    }
}

impl JqValue {
    /// The text of the value.
    pub(crate) fn text(&self, what: &str) -> Result<&Arc<str>, JqError> {
        match &self.value {
            Value::String(s) => Ok(s),
            other => fail(format!("{} {what}", super::show(other))),
        }
    }

    /// The items of the value.
    pub(crate) fn items(&self, verb: &str) -> Result<&[Value], JqError> {
        match &self.value {
            Value::List(list) => Ok(list),
            other => fail(format!("{} cannot be {verb}, as it is not an array", super::show(other))),
        }
    }

    /// The number that the value is.
    pub(crate) fn number(&self) -> Result<f64, JqError> {
        match self.value.as_f64() {
            Some(f) => Ok(f),
            None => fail(format!("{} number required", super::show(&self.value))),
        }
    }

    /// What jq calls the kind of the value.
    pub(crate) fn kind(&self) -> &'static str {
        kind(&self.value)
    }
}
