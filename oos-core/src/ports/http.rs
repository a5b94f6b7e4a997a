//! HTTP and mail to the outside, for `ACS::ExecuteHttpRequest` and `ACS::Notify`.

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;

use super::ActionError;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST`, …
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// Body; empty for none.
    pub body: Vec<u8>,
    /// Time limit of the whole exchange.
    pub timeout: Duration,
    /// Redirects to follow.
    pub redirects: u8,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// Sends HTTP requests.
///
/// # Implementing
/// Refuse addresses that templates must not reach (loopback, link-local, metadata) unless the embedder allows them: what
/// a name resolves to counts, not the name, and so does every address that a redirect leads to.
#[async_trait]
pub trait HttpSend: Debug + Send + Sync + 'static {
    /// Sends one request; any HTTP status is an answer, not an error.
    ///
    /// # Errors
    /// When no answer came.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ActionError>;
}

/// A mail of `ACS::Notify`.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// SMTP server.
    pub host: String,
    /// Port; 465 means TLS from the start.
    pub port: u16,
    /// User and password.
    pub login: Option<(String, String)>,
    /// Sender.
    pub from: String,
    /// Receivers.
    pub to: Vec<String>,
    /// Copies.
    pub cc: Vec<String>,
    /// Subject.
    pub subject: String,
    /// Text.
    pub content: String,
    /// `text/plain` or `text/html`.
    pub content_type: String,
}

impl Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("host", &self.host).field("to", &self.to).field("subject", &self.subject).finish()
    }
}

/// Sends mail.
#[async_trait]
pub trait Mailer: Debug + Send + Sync + 'static {
    /// Sends one mail.
    ///
    /// # Errors
    /// When the server did not take it.
    async fn send(&self, mail: Mail) -> Result<(), ActionError>;
}
