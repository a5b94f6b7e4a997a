//! The default of the port `Notifier`: webhooks by HTTP, mail by SMTP, through the ports that the embedder supplies.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use oos_core::{
    ExecutionId, Value,
    ports::{
        ActionError, ActionErrorKind, Clock,
        http::{HttpRequest, HttpResponse, HttpSend, Mailer},
        notify::{Message, Notifier},
    },
};

use super::{failed, link, mail, webhook};
use crate::properties::Properties;

/// CHOICE: pauses between the attempts to send, on lost connections and server errors (actions.md 13).
const REPEAT_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// Makes the text that links to an execution; there is no console of ours that it could point to.
pub type LinkMaker = Arc<dyn Fn(&ExecutionId) -> Option<String> + Send + Sync>;

/// What the product leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotifierOptions {
    /// Fails when a known chat service answers 200 with an error code.
    pub judge_chat_codes: bool,
}

impl Default for NotifierOptions {
    fn default() -> Self {
        Self { judge_chat_codes: true }
    }
}

/// Sends messages through `HttpSend` and `Mailer`.
#[derive(Clone)]
pub struct DefaultNotifier {
    http: Arc<dyn HttpSend>,
    mailer: Arc<dyn Mailer>,
    clock: Arc<dyn Clock>,
    link: Option<LinkMaker>,
    options: NotifierOptions,
}

impl fmt::Debug for DefaultNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultNotifier").field("options", &self.options).finish_non_exhaustive()
    }
}

impl DefaultNotifier {
    /// A notifier that adds no links.
    pub fn new(http: Arc<dyn HttpSend>, mailer: Arc<dyn Mailer>, clock: Arc<dyn Clock>) -> Self {
        Self { http, mailer, clock, link: None, options: NotifierOptions::default() }
    }

    /// The same with links, for messages that want one.
    #[must_use]
    pub fn with_links(self, link: LinkMaker) -> Self {
        Self { link: Some(link), ..self }
    }

    /// The same with options.
    #[must_use]
    pub fn with_options(self, options: NotifierOptions) -> Self {
        Self { options, ..self }
    }

    /// The link of a message that wants one: Approve by default, Notify not (pages of both).
    fn link_of(&self, message: &Message) -> Result<Option<String>, ActionError> {
        let wanted = Properties(&message.properties).flag("AppendExecutionLink")?.unwrap_or(message.asks);
        Ok(self.link.as_ref().filter(|_| wanted).and_then(|link| link(&message.execution)))
    }

    async fn deliver(&self, message: &Message) -> Result<Value, ActionError> {
        let link = self.link_of(message)?;
        let kind = Properties(&message.properties).required_text("NotifyType")?;
        if kind.eq_ignore_ascii_case("Mail") {
            let mut mail = mail::of(&message.properties)?;
            if let Some(link) = link {
                mail.content = link::to_text(&mail.content, &link);
            }
            self.mailer.send(mail).await?;
            return Ok(Value::empty_map());
        }
        let request = webhook::request(&message.properties, link.as_deref())?;
        let answer = self.send(&request).await?;
        webhook::read(&request, &answer, self.options.judge_chat_codes)
    }

    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, ActionError> {
        for pause in REPEAT_AFTER {
            match self.http.send(request.clone()).await {
                Ok(answer) if answer.status < 500 => return Ok(answer),
                Err(error) if error.kind != ActionErrorKind::Transport => return Err(error),
                _ => self.clock.sleep_until(self.clock.now() + pause).await,
            }
        }
        self.http.send(request.clone()).await
    }
}

#[async_trait]
impl Notifier for DefaultNotifier {
    async fn send(&self, message: &Message) -> Result<Value, ActionError> {
        self.deliver(message).await.map_err(|error| match error.kind {
            ActionErrorKind::InvalidProperty => error,
            _ => failed(&error),
        })
    }
}
