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

/// Calls `request` and, with `auto`, every further page, merged into one answer.
///
/// # Errors
/// The first error of a call, or `AutoPagingLimitExceeded`.
pub async fn call_all_pages(caller: &dyn ApiCaller, request: ApiRequest, auto: bool) -> Result<ApiResponse, ApiError> {
    if !auto {
        return caller.call(request).await;
    }
    let mut pages = Pages::new(request);
    let mut merged: Option<ApiResponse> = None;
    while let Some(request) = pages.next_request()? {
        let answer = caller.call(request).await?;
        pages.answered(&answer.body);
        match &mut merged {
            Some(merged) => answer::append(&mut merged.body, &answer.body),
            None => merged = Some(answer),
        }
    }
    Ok(pages.finished(merged.unwrap_or_default()))
}

/// The pages of a request one after the other, for callers that want each by itself.
#[derive(Debug)]
pub struct Pages {
    first: ApiRequest,
    /// `None` when there is only one page to ask for.
    way: Option<Loop>,
    next: Next,
    asked: u32,
}

/// What is asked for next.
#[derive(Debug)]
enum Next {
    First,
    Page(Page),
    Nothing,
}

impl Pages {
    /// The pages of this request; only one when it asks for a certain page or the operation has no pages.
    pub fn new(request: ApiRequest) -> Self {
        Self { way: Loop::new(&request), first: request, next: Next::First, asked: 0 }
    }

    /// The request for the next page; `None` after the last. Tell the answer before you ask again.
    ///
    /// # Errors
    /// `AutoPagingLimitExceeded` after [`MAX_PAGES`] pages.
    pub fn next_request(&mut self) -> Result<Option<ApiRequest>, ApiError> {
        let request = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => return Ok(None),
            Next::Page(_) if self.asked == MAX_PAGES => return Err(limit(&self.first)),
            Next::First => self.first.clone(),
            Next::Page(page) => {
                if let Some(way) = &mut self.way {
                    way.turned(&page);
                }
                page.request(&self.first)
            }
        };
        self.asked += 1;
        Ok(Some(request))
    }

    /// Looks at the answer for what comes next.
    pub fn answered(&mut self, body: &Value) {
        let page = self.way.as_mut().and_then(|way| way.after(body));
        self.next = page.map_or(Next::Nothing, Next::Page);
    }

    fn finished(&self, merged: ApiResponse) -> ApiResponse {
        match &self.way {
            Some(way) => way.finished(merged),
            None => merged,
        }
    }
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
}

impl Page {
    /// The request for this page.
    fn request(&self, first: &ApiRequest) -> ApiRequest {
        let mut request = first.clone();
        let mut map = first.parameters.parsed_if_json_text().as_map().cloned().unwrap_or_default();
        map.retain(|name, _| !name.eq_ignore_ascii_case(&self.cursor));
        map.insert(self.cursor.clone(), self.value.clone());
        request.parameters = map.into();
        request
    }
}

/// Where the loop is.
#[derive(Debug)]
struct Loop {
    paging: Paging,
    /// The size that the caller asked for.
    size: Option<i64>,
    /// Items of the fullest page so far.
    fullest: i64,
    /// Number of the last page, from 1.
    number: i64,
    /// Token or marker that the last page was asked with.
    sent: Option<Value>,
    turned: bool,
}

impl Loop {
    /// `None` when the operation is not paged or the caller asks for a certain page (step 1).
    fn new(request: &ApiRequest) -> Option<Self> {
        let options = NormaliseOptions { fill_token: false, ..NormaliseOptions::default() };
        let normalised = normalise(request, &options);
        let paging = normalised.operation.as_ref()?.paging.clone()?;
        let asked = |wire: &str| paging.styles().any(|names| answer::same_name(&names.cursor, wire));
        if normalised.tree.iter().any(|c| asked(&c.wire)) {
            return None;
        }
        Some(Self { size: size(&normalised, &paging), paging, fullest: 0, number: 1, sent: None, turned: false })
    }

    /// The page after this answer, looked for in the order of step 2.
    fn after(&mut self, body: &Value) -> Option<Page> {
        let items = answer::items(body).unwrap_or_default();
        self.fullest = self.fullest.max(items);
        let token = self.paging.token.as_ref().and_then(|names| self.after_token(names, body));
        let number = || self.paging.number.as_ref().and_then(|names| self.after_number(names, body, items));
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
        (!again).then(|| Page { cursor: names.cursor.clone(), value: token })
    }

    /// A style with a token is not left for page numbers half-way.
    fn after_number(&self, names: &PageNames, body: &Value, items: i64) -> Option<Page> {
        if self.sent.is_some() || items == 0 {
            return None;
        }
        let size = answer::size(body, names.size.as_deref()).or(self.size);
        let more = match (answer::total(body), size) {
            (Some(total), Some(size)) => self.number.saturating_mul(size) < total,
            // An answer without its page size (RDS): a page that is not the last one is full.
            (Some(total), None) => self.number.saturating_mul(self.fullest) < total,
            (None, Some(size)) => items >= size,
            (None, None) => false,
        };
        more.then(|| Page { cursor: names.cursor.clone(), value: Value::Int(self.number + 1) })
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

fn size(normalised: &Normalised, paging: &Paging) -> Option<i64> {
    let name = paging.number.as_ref()?.size.as_ref()?;
    let value = &normalised.parameter(name)?.value;
    value.to_text().parse().ok().filter(|n| *n > 0)
}

/// Members of an answer's map, for [`answer`].
type Members = Map;
