//! Trouble on the wire, which no fault of the fake can make: what a client sees of broken networks and gateways.

use super::{
    Server,
    answer::{Answer, Reply},
};
use crate::calls::glob;

/// What happens to an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The connection breaks before the call is carried out.
    ResetBefore,
    /// The call is carried out, and the connection breaks before the answer.
    ResetAfter,
    /// The call is carried out, and the connection breaks in the middle of the answer's body.
    Cut,
    /// The call is carried out, and the second half of the answer's body never comes.
    Stalled,
    /// The call is carried out, and the answer ends in the middle of its JSON, as if it were whole.
    Truncated,
    /// The call is carried out, and the answer's content type is another one.
    ContentType(&'static str),
    /// The call is not carried out; a gateway answers with this status and a page of HTML.
    Page(u16),
    /// The call is not carried out; it is answered with this status, code and headers.
    Refused {
        /// Status.
        status: u16,
        /// Code.
        code: &'static str,
        /// Headers, e.g. `x-acs-retry-after`.
        headers: Vec<(&'static str, String)>,
    },
}

/// One rule: which exchanges, and what happens to them.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    service: String,
    api: String,
    /// Numbers of the matching exchanges, from 1: the first that is hit, and how many.
    from: u64,
    count: u64,
    seen: u64,
    trouble: Trouble,
}

/// A rule in the making; see [`Server::trouble`].
#[derive(Debug)]
#[must_use = "say what happens: `.is(Trouble::ResetAfter)`"]
pub struct TroubleBuilder<'a> {
    server: &'a Server,
    rule: Rule,
}

impl<'a> TroubleBuilder<'a> {
    pub(crate) fn new(server: &'a Server, service: &str, api: &str) -> Self {
        let rule = Rule {
            service: service.to_owned(),
            api: api.to_owned(),
            from: 1,
            count: 1,
            seen: 0,
            trouble: Trouble::ResetBefore,
        };
        Self { server, rule }
    }

    /// The n-th matching exchange instead of the first.
    pub fn nth(mut self, n: u64) -> Self {
        self.rule.from = n;
        self
    }

    /// That many in a row.
    pub fn times(mut self, count: u64) -> Self {
        self.rule.count = count;
        self
    }

    /// What happens.
    pub fn is(mut self, trouble: Trouble) {
        self.rule.trouble = trouble;
        self.server.shared().add_trouble(self.rule);
    }
}

/// The trouble of this exchange, by the first rule that hits it.
pub(crate) fn judge(rules: &mut [Rule], service: &str, api: &str) -> Option<Trouble> {
    let mut hit = None;
    for rule in rules.iter_mut().filter(|r| glob(&r.service, service) && glob(&r.api, api)) {
        rule.seen += 1;
        if (rule.from..rule.from.saturating_add(rule.count)).contains(&rule.seen) && hit.is_none() {
            hit = Some(rule.trouble.clone());
        }
    }
    hit
}

impl Trouble {
    /// The answer when the call is not carried out at all.
    pub(crate) fn instead(&self) -> Option<Reply> {
        match self {
            Self::ResetBefore => Some(Reply::Closed),
            Self::Page(status) => {
                let page = format!("<html><head><title>{status}</title></head><body>Bad gateway</body></html>");
                Some(Reply::Answer(Answer::new(*status, "text/html", page)))
            }
            Self::Refused { status, code, headers } => {
                let body = oos_core::params! { "Code" => *code, "Message" => "Made by a test.", "RequestId" => "T-1" };
                let mut answer = Answer::json(*status, &body);
                answer.headers.extend(headers.iter().cloned());
                Some(Reply::Answer(answer))
            }
            _ => None,
        }
    }
}

/// How the body of an answer is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sending {
    #[default]
    Whole,
    /// The connection breaks half-way.
    Cut,
    /// Nothing comes after the first half.
    Stalled,
}

/// Bends the answer of a call that was carried out.
pub(crate) fn bend(trouble: Option<&Trouble>, reply: Reply) -> (Reply, Sending) {
    let Reply::Answer(mut answer) = reply else { return (reply, Sending::Whole) };
    let sending = match trouble {
        Some(Trouble::ResetAfter) => return (Reply::Closed, Sending::Whole),
        Some(Trouble::Cut) => Sending::Cut,
        Some(Trouble::Stalled) => Sending::Stalled,
        Some(Trouble::Truncated) => {
            answer.body = answer.body.slice(..answer.body.len() / 2);
            Sending::Whole
        }
        Some(Trouble::ContentType(kind)) => {
            answer.headers.retain(|(name, _)| *name != "content-type");
            answer.headers.push(("content-type", (*kind).to_owned()));
            Sending::Whole
        }
        _ => Sending::Whole,
    };
    (Reply::Answer(answer), sending)
}
