//! Paging: by number or by token, with the page sizes of each API.
//!
//! A raw call without paging parameters sees the first page only; whoever wants all turns the pages himself.

use oos_core::{Map, ports::ApiError};

use super::{error::invalid, params::Params};

/// Page sizes of an API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paging {
    pub(crate) default: i64,
    pub(crate) max: i64,
    /// Smallest and largest `MaxResults`; `None` where the API has no tokens.
    pub(crate) tokens: Option<(i64, i64)>,
    /// Names of the counters in the answer.
    pub(crate) counters: Counters,
}

/// How an answer calls its counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counters {
    /// `PageNumber`, `PageSize`, `TotalCount`.
    Usual,
    /// `PageNumber`, `PageRecordCount`, `TotalRecordCount`.
    Records,
    /// `NextToken` only.
    TokenOnly,
}

/// Ten a page, at most a hundred, and tokens from 10 to 100.
pub(crate) const TEN: Paging = Paging { default: 10, max: 100, tokens: Some((10, 100)), counters: Counters::Usual };

/// Ten a page, at most fifty, no tokens.
pub(crate) const FIFTY: Paging = Paging { default: 10, max: 50, tokens: None, counters: Counters::Usual };

/// Thirty a page, counted as records: the databases.
pub(crate) const RECORDS: Paging = Paging { default: 30, max: 100, tokens: None, counters: Counters::Records };

impl Paging {
    /// With another maximum of `PageSize`.
    pub(crate) const fn max(self, max: i64) -> Self {
        Self { max, ..self }
    }

    /// With another range of `MaxResults`.
    pub(crate) const fn tokens(self, low: i64, high: i64) -> Self {
        Self { tokens: Some((low, high)), ..self }
    }
}

/// One page of `items`, and the members that go with it into the answer.
pub(crate) fn page<T>(p: &Params, items: Vec<T>, paging: Paging) -> Result<(Vec<T>, Map), ApiError> {
    match paging.tokens {
        Some(range) if p.has("MaxResults") || p.has("NextToken") || paging.counters == Counters::TokenOnly => {
            by_token(p, items, paging, range)
        }
        _ => by_number(p, items, paging),
    }
}

fn by_token<T>(p: &Params, items: Vec<T>, paging: Paging, (low, high): (i64, i64)) -> Result<(Vec<T>, Map), ApiError> {
    let size = p.int("MaxResults")?.unwrap_or(paging.default).clamp(low, high);
    let from = match p.str("NextToken") {
        Some(token) => read_token(&token).ok_or_else(|| invalid("NextToken", "the token is not known"))?,
        None => 0,
    };
    let total = items.len();
    let to = from.saturating_add(usize::try_from(size).unwrap_or(10));
    let mut fields = Map::new();
    fields.insert("NextToken", if to < total { token(to) } else { String::new() });
    fields.insert("MaxResults", size);
    if paging.counters == Counters::Usual {
        fields.insert("TotalCount", i64::try_from(total).unwrap_or(i64::MAX));
    }
    Ok((items.into_iter().skip(from).take(to - from).collect(), fields))
}

fn token(from: usize) -> String {
    format!("fake-page-{from}")
}

fn read_token(token: &str) -> Option<usize> {
    token.strip_prefix("fake-page-")?.parse().ok()
}

fn by_number<T>(p: &Params, items: Vec<T>, paging: Paging) -> Result<(Vec<T>, Map), ApiError> {
    let number = p.int("PageNumber")?.unwrap_or(1);
    let size = p.int("PageSize")?.unwrap_or(paging.default);
    if number < 1 {
        return Err(invalid("PageNumber", "it starts at 1"));
    }
    if size < 1 || size > paging.max {
        return Err(invalid("PageSize", format_args!("it goes from 1 to {}", paging.max)));
    }
    let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let skip = usize::try_from((number - 1).saturating_mul(size)).unwrap_or(usize::MAX);
    let picked: Vec<T> = items.into_iter().skip(skip).take(usize::try_from(size).unwrap_or(10)).collect();
    let mut fields = Map::new();
    fields.insert("PageNumber", number);
    if paging.counters == Counters::Records {
        fields.insert("PageRecordCount", i64::try_from(picked.len()).unwrap_or(0));
        fields.insert("TotalRecordCount", total);
    } else {
        fields.insert("PageSize", size);
        fields.insert("TotalCount", total);
    }
    Ok((picked, fields))
}

#[cfg(test)]
mod tests {
    use oos_core::{Value, params};

    use super::*;

    fn given(value: Value) -> Params {
        Params(value.as_map().cloned().unwrap())
    }

    #[test]
    fn the_first_page_is_ten_by_default() {
        let (items, fields) = page(&Params::default(), (0..25).collect(), TEN).unwrap();
        assert_eq!(items, (0..10).collect::<Vec<_>>());
        assert_eq!(Value::from(fields), params! { "PageNumber" => 1, "PageSize" => 10, "TotalCount" => 25 });
        let p = given(params! { "PageNumber" => 3, "PageSize" => 10 });
        assert_eq!(page(&p, (0..25).collect(), TEN).unwrap().0, [20, 21, 22, 23, 24]);
    }

    #[test]
    fn too_large_a_page_is_refused() {
        let p = given(params! { "PageSize" => 101 });
        assert_eq!(page(&p, vec![1], TEN).unwrap_err().code(), "InvalidParameter.PageSize");
    }

    #[test]
    fn tokens_lead_through_all_pages() {
        let (mut p, mut seen) = (given(params! { "MaxResults" => 5 }), Vec::new());
        loop {
            let (items, fields) = page(&p, (0..25).collect(), TEN).unwrap();
            seen.extend(items);
            match fields.get("NextToken").and_then(Value::as_str) {
                Some("") | None => break,
                Some(token) => p = given(params! { "NextToken" => token, "MaxResults" => 5 }),
            }
        }
        assert_eq!(seen, (0..25).collect::<Vec<_>>());
        assert!(page(&given(params! { "NextToken" => "x" }), vec![1], TEN).is_err());
    }
}
