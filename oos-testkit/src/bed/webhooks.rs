//! Assertions on what a bed sent over HTTP: the notes of Notify and Approve.
//!
//! A URL or a body can carry a token, so a failure shows bodies only where the test asked about bodies.

use oos_core::ports::http::HttpRequest;

use super::TestBed;
use crate::calls::fail;

impl TestBed {
    /// The HTTP requests so far, to assert about.
    pub fn webhooks(&self) -> Webhooks {
        Webhooks(self.http().requests())
    }
}

/// HTTP requests that a bed sent, in order.
#[derive(Clone, Debug)]
pub struct Webhooks(Vec<HttpRequest>);

impl Webhooks {
    /// Asserts their number.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn sent(&self, expected: usize) -> &Self {
        if self.0.len() != expected {
            fail(&format!("{} webhooks were sent, not {expected}", self.0.len()));
        }
        self
    }

    /// Asserts that every body holds a text, and that there is a body.
    ///
    /// # Panics
    /// When one does not.
    #[track_caller]
    pub fn body_contains(&self, text: &str) -> &Self {
        self.each(|request| body(request).contains(text), &format!("has no `{text}` in its body"))
    }

    /// Asserts that no body holds a text, and that there is a body.
    ///
    /// # Panics
    /// When one does.
    #[track_caller]
    pub fn body_lacks(&self, text: &str) -> &Self {
        self.each(|request| !body(request).contains(text), &format!("has `{text}` in its body"))
    }

    /// Asserts that every URL holds a text, and that there is one.
    ///
    /// # Panics
    /// When one does not.
    #[track_caller]
    pub fn url_contains(&self, text: &str) -> &Self {
        self.each(|request| request.url.contains(text), &format!("has no `{text}` in its URL"))
    }

    #[track_caller]
    fn each(&self, holds: impl Fn(&HttpRequest) -> bool, complaint: &str) -> &Self {
        if self.0.is_empty() {
            fail("no webhook was sent");
        }
        if let Some((n, request)) = self.0.iter().enumerate().find(|(_, r)| !holds(r)) {
            fail(&format!("webhook {} {complaint}: {}", n + 1, body(request)));
        }
        self
    }
}

fn body(request: &HttpRequest) -> String {
    String::from_utf8_lossy(&request.body).into_owned()
}
