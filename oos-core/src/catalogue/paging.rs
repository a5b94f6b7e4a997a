//! The one page loop (actions 4.6, aliyun-client 6), over any [`ApiCaller`].
//!
//! An `ApiCaller` makes one call; `ACS::ExecuteAPI`, `WaitFor`, `CheckFor` and `SelectTargets` turn the pages here. The
//! names of cursor and size come from the catalogue; an operation that it does not have is not paged.
//!
//! The page size is the caller's, or the API's default; no call is repeated with another one.

mod answer;

use std::sync::Arc;

use super::{NormaliseOptions, Normalised, PageNames, Paging, normalise};
use crate::{
    Map, Value,
    ports::api::{ApiCaller, ApiError, ApiRequest, ApiResponse},
};

/// Pages after which a call fails (actions 4.6, step 5).
pub const MAX_PAGES: u32 = 1000;

/// Cursor names of request parameters that ask for one certain page.
const CURSORS: [&str; 12] = [
    "PageNumber",
    "NextToken",
    "Marker",
    "CurrentPage",
    "PageNum",
    "PageNo",
    "Page",
    "PageIndex",
    "page_number",
    "next_token",
    "pageNum",
    "pageNo",
];

/// Calls `request` and, with `auto`, every further page, merged into one answer.
///
/// # Errors
/// The first error of a call, or `AutoPagingLimitExceeded`.
pub async fn call_all_pages(caller: &dyn ApiCaller, request: ApiRequest, auto: bool) -> Result<ApiResponse, ApiError> {
    let first = if auto { Loop::new(&request) } else { None };
    let Some(mut pages) = first else { return caller.call(request).await };
    let mut merged = caller.call(request.clone()).await?;
    let mut next = pages.after(&merged.body);
    for _ in 1..MAX_PAGES {
        let Some(page) = next else {
            return Ok(pages.finished(merged));
        };
        let answer = caller.call(page.request(&request)).await?;
        pages.turned(&page);
        next = pages.after(&answer.body);
        answer::append(&mut merged.body, &answer.body);
    }
    if next.is_none() { Ok(pages.finished(merged)) } else { Err(limit(&request)) }
}

fn limit(request: &ApiRequest) -> ApiError {
    let message = format!("`{}` of `{}` has more than {MAX_PAGES} pages", request.api, request.service);
    ApiError::Unsupported { code: "AutoPagingLimitExceeded".into(), message: message.into() }
}

/// The next page: which parameter of the request says so, and how.
#[derive(Debug)]
struct Page {
    cursor: Arc<str>,
    value: Value,
    in_uri: bool,
}

impl Page {
    /// The request for this page.
    fn request(&self, first: &ApiRequest) -> ApiRequest {
        let mut request = first.clone();
        let mut map = first.parameters.parsed_if_json_text().as_map().cloned().unwrap_or_default();
        map.retain(|name, _| !name.eq_ignore_ascii_case(&self.cursor));
        if self.in_uri {
            request.uri = first.uri.as_deref().map(|uri| without(uri, &self.cursor).into());
        }
        map.insert(self.cursor.clone(), self.value.clone());
        request.parameters = map.into();
        request
    }
}

/// A URI without one parameter of its query.
fn without(uri: &str, name: &str) -> String {
    let Some((path, query)) = uri.split_once('?') else { return uri.to_owned() };
    let kept: Vec<_> = query.split('&').filter(|p| p.split('=').next() != Some(name)).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

/// Where the loop is.
#[derive(Debug)]
struct Loop {
    paging: Paging,
    /// The size that the caller asked for.
    size: Option<i64>,
    /// Number of the last page, from 1.
    number: i64,
    /// Token or marker that the last page was asked with.
    sent: Option<Value>,
    turned: bool,
    in_uri: bool,
}

impl Loop {
    /// `None` when the operation is not paged or the caller asks for a certain page (step 1).
    fn new(request: &ApiRequest) -> Option<Self> {
        let options = NormaliseOptions { fill_token: false, ..NormaliseOptions::default() };
        let normalised = normalise(request, &options);
        let paging = normalised.operation.as_ref()?.paging.clone()?;
        let asked = |name: &str| normalised.parameter(name).is_some();
        let own = paging.styles().any(|names| asked(&names.cursor));
        let named = normalised.tree.iter().any(|c| CURSORS.contains(&&*c.wire) && is_cursor(&paging, &c.wire));
        if own || named {
            return None;
        }
        let in_uri = request.uri.as_deref().is_some_and(|uri| uri.contains('?'));
        Some(Self { size: size(&normalised, &paging), paging, number: 1, sent: None, turned: false, in_uri })
    }

    /// The page after this answer, looked for in the order of step 2.
    fn after(&self, body: &Value) -> Option<Page> {
        let token = self.paging.token.as_ref().and_then(|names| self.after_token(names, body));
        let number = || self.paging.number.as_ref().and_then(|names| self.after_number(names, body));
        let marker = || self.paging.marker.as_ref().and_then(|names| self.after_marker(names, body));
        token.or_else(number).or_else(marker)
    }

    fn after_token(&self, names: &PageNames, body: &Value) -> Option<Page> {
        self.page(names, answer::token(body, &names.cursor)?)
    }

    fn after_marker(&self, names: &PageNames, body: &Value) -> Option<Page> {
        self.page(names, answer::marker(body, &names.cursor)?)
    }

    /// A token that was just sent means the end: some services repeat the last one for ever.
    fn page(&self, names: &PageNames, token: Value) -> Option<Page> {
        let again = self.sent.as_ref() == Some(&token);
        (!again).then(|| Page { cursor: names.cursor.clone(), value: token, in_uri: self.in_uri })
    }

    /// A style with a token is not left for page numbers half-way.
    fn after_number(&self, names: &PageNames, body: &Value) -> Option<Page> {
        if self.sent.is_some() {
            return None;
        }
        let items = answer::items(body).filter(|n| *n > 0)?;
        let size = answer::size(body, names.size.as_deref()).or(self.size);
        let more = match (answer::total(body), size) {
            (Some(total), Some(size)) => self.number.saturating_mul(size) < total,
            // An answer without its page size: the first page is full when there is more.
            (Some(total), None) => self.number.saturating_mul(items) < total,
            (None, Some(size)) => items >= size,
            (None, None) => false,
        };
        more.then(|| Page { cursor: names.cursor.clone(), value: Value::Int(self.number + 1), in_uri: self.in_uri })
    }

    fn turned(&mut self, page: &Page) {
        self.turned = true;
        match page.value {
            Value::Int(number) => self.number = number,
            ref token => self.sent = Some(token.clone()),
        }
    }

    /// Without the cursor of the first page, which says nothing about a merged answer (step 4).
    fn finished(&self, mut merged: ApiResponse) -> ApiResponse {
        if self.turned {
            let cursors: Vec<_> = self.paging.styles().map(|names| names.cursor.clone()).collect();
            answer::remove_cursors(&mut merged.body, &cursors);
        }
        merged
    }
}

/// True when the operation knows this cursor under some name: `pageNumber` where the catalogue says `PageNumber`.
fn is_cursor(paging: &Paging, name: &str) -> bool {
    paging.styles().any(|names| answer::same_name(&names.cursor, name))
}

fn size(normalised: &Normalised, paging: &Paging) -> Option<i64> {
    let name = paging.number.as_ref()?.size.as_ref()?;
    let value = &normalised.parameter(name)?.value;
    value.to_text().parse().ok().filter(|n| *n > 0)
}

/// Members of an answer's map, for [`answer`].
type Members = Map;
