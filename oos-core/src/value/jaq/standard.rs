//! The value trait of jaq's standard library, of which only the mathematical functions are used.

use super::{JqValue, meter};
use crate::value::Value;

impl From<f64> for JqValue {
    fn from(f: f64) -> Self {
        Self::scalar(f)
    }
}

impl From<usize> for JqValue {
    fn from(n: usize) -> Self {
        Self::scalar(n as u64)
    }
}

impl jaq_std::ValT for JqValue {
    fn into_seq<S: FromIterator<Self>>(self) -> Result<S, Self> {
        match &self.value {
            Value::List(list) => Ok(list.iter().map(|item| self.child(item.clone())).collect()),
            _ => Err(self),
        }
    }

    fn is_int(&self) -> bool {
        matches!(self.value, Value::Int(_))
    }

    fn as_isize(&self) -> Option<isize> {
        match self.value {
            Value::Int(i) => isize::try_from(i).ok(),
            _ => None,
        }
    }

    fn as_f64(&self) -> Option<f64> {
        self.value.as_f64()
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self.value, Value::String(_))
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        self.value.as_str().map(str::as_bytes)
    }

    fn as_sub_str(&self, part: &[u8]) -> Self {
        Self::from(String::from_utf8_lossy(part).into_owned())
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        meter::grow(bytes.as_ref().len());
        Self::scalar(String::from_utf8_lossy(bytes.as_ref()).as_ref())
    }
}
