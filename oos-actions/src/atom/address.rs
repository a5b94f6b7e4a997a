//! Which addresses a template may not reach (actions.md 7): templates may come from users, and the host's own network
//! is none of their business. For implementations of `HttpSend`: [`AddressPolicy::check_url`] before a request and
//! before following each redirect, [`AddressPolicy::check_address`] on every address that a name resolves to.
//! [`Guarded`] does the first for any sender; a sender that resolves names has to do the second.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use async_trait::async_trait;
use oos_core::ports::{
    ActionError, ActionErrorKind,
    http::{HttpRequest, HttpResponse, HttpSend},
};
use url::{Host, Url};

use crate::failure::{Failure, WRONG_PROPERTY};

pub(crate) const ADDRESS_REFUSED: Failure =
    Failure::new(ActionErrorKind::Unsupported, "AddressRefused", "the address is none that templates may call");

/// The metadata service of the cloud's own hosts.
const METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);

/// What templates may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Hosts that are fine whatever their address, as written in URLs, without port.
    pub allowed_hosts: Vec<String>,
    /// True to refuse private networks (10/8, 172.16/12, 192.168/16, fc00::/7) too.
    // CHOICE: allowed by default, because the services that templates of a company call live there.
    pub refuse_private: bool,
}

impl AddressPolicy {
    /// Refuses what is no http or https URL and what names a refused address.
    ///
    /// # Errors
    /// `InvalidProperty` for something that is no URL, `AddressRefused` otherwise.
    pub fn check_url(&self, url: &str) -> Result<(), ActionError> {
        let parsed = parse(url)?;
        let host = parsed.host_str().unwrap_or_default();
        if self.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) {
            return Ok(());
        }
        match parsed.host() {
            Some(Host::Ipv4(address)) => self.check_address(address.into()),
            Some(Host::Ipv6(address)) => self.check_address(address.into()),
            Some(Host::Domain(name)) if is_local_name(name) => Err(refused(name)),
            _ => Ok(()),
        }
    }

    /// Refuses loopback, link-local, unspecified, broadcast, multicast and metadata addresses.
    ///
    /// # Errors
    /// `AddressRefused`.
    pub fn check_address(&self, address: IpAddr) -> Result<(), ActionError> {
        let inner = match address {
            IpAddr::V6(v6) => embedded_v4(v6).map_or(address, IpAddr::V4),
            IpAddr::V4(_) => address,
        };
        let bad = match inner {
            IpAddr::V4(v4) => {
                v4.is_loopback()
                    || v4.is_link_local()
                    || v4.is_unspecified()
                    || v4.is_broadcast()
                    || v4.is_multicast()
                    || v4.octets().first() == Some(&0)
                    || v4 == METADATA
                    || (self.refuse_private && v4.is_private())
            }
            IpAddr::V6(v6) => {
                v6.is_loopback()
                    || v6.is_unspecified()
                    || v6.is_multicast()
                    || v6.is_unicast_link_local()
                    || (self.refuse_private && v6.is_unique_local())
            }
        };
        if bad { Err(refused(&address.to_string())) } else { Ok(()) }
    }
}

/// The IPv4 address in a mapped, compatible, NAT64 or 6to4 address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let low = |a: u16, b: u16| {
        let ([a, b], [c, d]) = (a.to_be_bytes(), b.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, a, b] => Some(low(a, b)),
        [0x2002, a, b, ..] => Some(low(a, b)),
        [0, 0, 0, 0, 0, 0, a, b] if a != 0 => Some(low(a, b)),
        _ => address.to_ipv4_mapped(),
    }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// The parsed URL, when it is http or https and names a host.
pub(crate) fn parse(url: &str) -> Result<Url, ActionError> {
    let wrong = || WRONG_PROPERTY.error(format_args!("`{}` is not an http or https URL", without_secrets(url)));
    let parsed = Url::parse(url).map_err(|_| wrong())?;
    if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() { Ok(parsed) } else { Err(wrong()) }
}

/// Queries of webhooks carry tokens, so messages show only what stands before them, without user information.
fn without_secrets(url: &str) -> String {
    let head = url.split(['?', '#']).next().unwrap_or_default();
    match (head.split_once("://"), head.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => head.to_owned(),
    }
}

fn refused(host: &str) -> ActionError {
    ADDRESS_REFUSED.error(format_args!("templates may not reach `{host}`"))
}

/// A sender that checks the URL of each request first, and that follows redirects itself so that it sees their URLs:
/// the sender inside is asked to follow none, and has the whole time limit for each. What names resolve to it cannot
/// see; that check is the sender's own ([`AddressPolicy::check_address`]), or a name that leads to a refused address
/// gets through.
#[derive(Clone, Debug)]
pub struct Guarded<S> {
    inner: S,
    policy: AddressPolicy,
}

impl<S: HttpSend> Guarded<S> {
    /// Guards a sender by a policy.
    pub fn new(inner: S, policy: AddressPolicy) -> Self {
        Self { inner, policy }
    }
}

#[async_trait]
impl<S: HttpSend> HttpSend for Guarded<S> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ActionError> {
        let (mut request, mut left) = (HttpRequest { redirects: 0, ..request.clone() }, request.redirects);
        loop {
            self.policy.check_url(&request.url)?;
            let answer = self.inner.send(request.clone()).await?;
            match redirected(&request, &answer).filter(|_| left > 0) {
                None => return Ok(answer),
                Some(next) => (request, left) = (next, left - 1),
            }
        }
    }
}

/// Headers that are meant for one host and nobody else.
const PRIVATE_HEADERS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// The request that a redirect asks for; only reads are sent on. Another host gets no credentials.
fn redirected(request: &HttpRequest, answer: &HttpResponse) -> Option<HttpRequest> {
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    if !reads || !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let (_, target) = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("location"))?;
    let from = Url::parse(&request.url).ok()?;
    let to = from.join(target.trim()).ok()?;
    let mut next = HttpRequest { url: to.to_string(), ..request.clone() };
    if from.origin() != to.origin() {
        next.headers.retain(|(name, _)| !PRIVATE_HEADERS.iter().any(|private| name.eq_ignore_ascii_case(private)));
    }
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_the_hosts_own_surroundings_in_every_spelling() {
        let policy = AddressPolicy::default();
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0/",
            "http://localhost:8080/x",
            "http://LocalHost./",
            "http://a.localhost/",
            "http://169.254.169.254/latest",
            "http://100.100.100.200/latest/meta-data",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:6464:64c8::]/",
            "http://[::127.0.0.1]/",
            "http://[fe80::1]/",
            "http://[::]/",
        ] {
            assert_eq!(&*policy.check_url(url).unwrap_err().code, "AddressRefused", "{url}");
        }
        for url in ["ftp://example.com/", "file:///etc/passwd", "example.com", "http://", ""] {
            assert_eq!(&*policy.check_url(url).unwrap_err().code, "InvalidProperty", "{url}");
        }
    }

    #[test]
    fn lets_the_rest_through() {
        let policy = AddressPolicy::default();
        for url in ["https://oapi.dingtalk.com/robot/send?access_token=x", "http://10.0.0.1/", "http://8.8.8.8/"] {
            assert_eq!(policy.check_url(url), Ok(()), "{url}");
        }
        let strict = AddressPolicy { refuse_private: true, ..AddressPolicy::default() };
        assert!(strict.check_url("http://10.0.0.1/").is_err());
        assert!(strict.check_url("http://[fd00::1]/").is_err());
        let allowing = AddressPolicy { allowed_hosts: vec!["127.0.0.1".into()], ..AddressPolicy::default() };
        assert_eq!(allowing.check_url("http://127.0.0.1:8080/"), Ok(()));
    }

    #[test]
    fn messages_show_no_secrets_of_a_url() {
        let error = parse("ftp://user:secret@host/p?token=secret").unwrap_err().to_string();
        assert_eq!(error, "InvalidProperty: `ftp://host/p` is not an http or https URL");
    }
}
