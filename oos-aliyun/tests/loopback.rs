//! The reqwest transport against a server on this machine that misbehaves in every way.
#![cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use oos_aliyun::{
    Client,
    credential::StaticKeys,
    transport::{SendOptions, Transport, TransportKind, reqwest::ReqwestTransport},
};
use oos_core::{
    Value, params,
    ports::api::{ApiCaller, ApiErrorKind, ApiRequest},
};
use support::{Script, World, lost};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What the server does with one connection after it has read the request.
#[derive(Clone)]
enum Then {
    /// Answers and closes.
    Write(String),
    /// Answers in part and says nothing more.
    Hang(String),
    /// Closes at once.
    Reset,
}

fn reply(status: &str, headers: &str, body: &str) -> Then {
    Then::Write(format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
        body.len()
    ))
}

fn json(body: &str) -> Then {
    reply("200 OK", "content-type: application/json\r\n", body)
}

/// Serves one connection after the other; gives the port and the requests seen.
async fn serve(steps: Vec<Then>) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let requests = Arc::clone(&seen);
    #[expect(clippy::disallowed_methods, reason = "a server of the test")]
    tokio::spawn(async move {
        let mut open = Vec::new();
        for step in steps {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = read(&mut stream).await;
            requests.lock().unwrap().push(request);
            match step {
                Then::Write(text) => stream.write_all(text.as_bytes()).await.unwrap(),
                Then::Hang(text) => {
                    stream.write_all(text.as_bytes()).await.unwrap();
                    open.push(stream);
                }
                Then::Reset => drop(stream),
            }
        }
        // Hanging connections stay open until the test ends.
        std::future::pending::<()>().await;
    });
    (port, seen)
}

/// Head and body of one request.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let n = stream.read(&mut buffer).await.unwrap();
        if n == 0 {
            return text;
        }
        bytes.extend_from_slice(&buffer[..n]);
    }
}

fn client(port: u16) -> (World, Client) {
    let world = World::new(Script::new(|_| lost(false)));
    let client = Client::builder()
        .runtime(world.runtime())
        .transport(Arc::new(ReqwestTransport::new().unwrap()))
        .credentials(StaticKeys::new("test-id", "test-secret").with_token("test-token"))
        .region("cn-hangzhou")
        .endpoint_for("ecs", format!("http://127.0.0.1:{port}"))
        .attempt_timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    (world, client)
}

fn describe() -> ApiRequest {
    ApiRequest::new("ECS", "DescribeRegions", Value::Null)
}

fn header(request: &str, name: &str) -> String {
    let find =
        |line: &str| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned());
    request.lines().find_map(find).unwrap_or_default()
}

#[tokio::test]
async fn a_call_arrives_as_it_was_signed() {
    let (port, seen) = serve(vec![json(r#"{"RequestId":"r-1"}"#)]).await;
    let (_world, client) = client(port);
    let mut request = describe();
    request.parameters = params! { "AcceptLanguage" => "zh *~+中" };
    let response = client.call(request).await.unwrap();
    assert_eq!(response.request_id.as_deref(), Some("r-1"));
    let seen = seen.lock().unwrap();
    assert!(seen[0].starts_with("POST /?AcceptLanguage=zh%20%2A~%2B%E4%B8%AD"), "{}", seen[0]);
    assert_eq!(header(&seen[0], "host"), format!("127.0.0.1:{port}"));
    assert_eq!(header(&seen[0], "x-acs-security-token"), "test-token");
    assert_eq!(header(&seen[0], "content-length"), "0", "a POST without body still says so");
    assert!(header(&seen[0], "authorization").contains("host;x-acs-accesskey-id;x-acs-action"));
}

#[tokio::test]
async fn a_refused_connection_was_never_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (_world, client) = client(port);
    assert_eq!(client.call(describe()).await.unwrap_err().kind(), ApiErrorKind::NeverSent);
}

#[tokio::test]
async fn a_reset_after_the_request_leaves_the_outcome_unknown() {
    let (port, _) = serve(vec![Then::Reset]).await;
    let (_world, client) = client(port);
    let error = client.call(describe()).await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::UnknownOutcome);
    assert!(error.to_string().starts_with("no answer: 127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_slow_body_ends_at_the_time_limit() {
    let start = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"Requ";
    let (port, _) = serve(vec![Then::Hang(start.to_owned())]).await;
    let (_world, client) = client(port);
    let error = client.call(describe()).await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::UnknownOutcome);
    assert!(error.to_string().ends_with("no complete answer in time"), "{error}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_answer() {
    let text = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{\"Requ";
    let (port, _) = serve(vec![Then::Write(text.to_owned())]).await;
    let (_world, client) = client(port);
    assert_eq!(client.call(describe()).await.unwrap_err().kind(), ApiErrorKind::UnknownOutcome);
}

#[tokio::test]
async fn truncated_json_and_pages_are_unparsable_and_wrong_types_do_not_matter() {
    let page = reply("200 OK", "content-type: text/html\r\n", "<html>login</html>");
    let mislabelled = reply("200 OK", "content-type: text/html\r\n", r#"{"RequestId":"r-5"}"#);
    let (port, _) = serve(vec![json(r#"{"RequestId":"#), page, mislabelled]).await;
    let (_world, client) = client(port);
    assert_eq!(client.call(describe()).await.unwrap_err().code(), "UnparsableError");
    assert_eq!(client.call(describe()).await.unwrap_err().code(), "UnparsableError");
    assert_eq!(client.call(describe()).await.unwrap().request_id.as_deref(), Some("r-5"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (port, seen) = serve(vec![reply("302 Found", "location: http://127.0.0.1:1/\r\n", "")]).await;
    let (_world, client) = client(port);
    assert_eq!(client.call(describe()).await.unwrap_err().code(), "Http302");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn faults_and_throttling_are_repeated_with_fresh_signatures() {
    let fault = reply("503 Service Unavailable", "", r#"{"Code":"ServiceUnavailable","Message":"m"}"#);
    let slow = reply("429 Too Many", "x-acs-retry-after: 700\r\n", r#"{"Code":"Throttling","Message":"m"}"#);
    let (port, seen) = serve(vec![Then::Reset, fault, slow, json("{}")]).await;
    let (world, client) = client(port);
    client.call_with_retries(describe()).await.unwrap();
    let seen = seen.lock().unwrap();
    let mut nonces: Vec<_> = seen.iter().map(|r| header(r, "x-acs-signature-nonce")).collect();
    nonces.dedup();
    assert_eq!(nonces.len(), 4);
    assert_eq!(header(&seen[3], "x-acs-retry-delay"), "875", "700 ms and a quarter");
    assert!(world.clock.waits.lock().unwrap().iter().sum::<u128>() >= 875);
}

#[tokio::test]
async fn a_skewed_clock_is_mended_by_the_date_header() {
    let body = r#"{"Code":"IllegalTimestamp","Message":"m"}"#;
    let late = reply("400 Bad Request", "date: Thu, 01 Jan 2026 05:00:00 GMT\r\n", body);
    let (port, seen) = serve(vec![late, json("{}")]).await;
    let (_world, client) = client(port);
    client.call(describe()).await.unwrap();
    assert_eq!(header(&seen.lock().unwrap()[1], "x-acs-date"), "2026-01-01T05:00:00Z");
}

#[tokio::test]
async fn an_ended_token_is_asked_for_again_once() {
    let ended = || reply("403 Forbidden", "", r#"{"Code":"SecurityTokenExpired","Message":"m"}"#);
    let (port, seen) = serve(vec![ended(), ended()]).await;
    let (_world, client) = client(port);
    assert_eq!(client.call(describe()).await.unwrap_err().kind(), ApiErrorKind::AuthExpired);
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_refused() {
    let (port, _) = serve(vec![json(&format!("\"{}\"", "x".repeat(100_000)))]).await;
    let request = http::Request::get(format!("http://127.0.0.1:{port}/")).body(Bytes::new()).unwrap();
    let options = SendOptions { body_limit: 65_536, direct: true, ..SendOptions::default() };
    let error = ReqwestTransport::new().unwrap().send(request, &options).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (TransportKind::TooLarge, true));
}
