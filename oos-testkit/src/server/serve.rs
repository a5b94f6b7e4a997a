//! HTTP/1.1 on a socket of this machine.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use oos_aliyun::sign::oss_v4::http_date;
use oos_core::{engine::TokioClock, ports::Clock};
use tokio::{net::TcpListener, task::JoinSet};

use super::{
    answer::{Answer, Reply},
    handle::Shared,
    request::WireRequest,
    trouble::Sending,
};

/// Largest body that is taken.
const BODY_LIMIT: usize = 16 << 20;
/// How often the cloud's clock follows real time, where it does.
const TICK: Duration = Duration::from_millis(20);

/// Serves until the task is dropped.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut tasks = JoinSet::new();
    if shared.settings.pace.is_some() {
        tasks.spawn(follow(Arc::clone(&shared)));
    }
    // An accept that fails (too many files) ends nothing: the next may succeed.
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let shared = Arc::clone(&shared);
            tasks.spawn(async move {
                let service = service_fn(move |request| answer(Arc::clone(&shared), request));
                let connection =
                    http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
                // A connection that breaks concerns its client only.
                let _ = connection.await;
            });
        }
        while tasks.try_join_next().is_some() {}
    }
}

async fn follow(shared: Arc<Shared>) {
    loop {
        TokioClock.sleep_until(TokioClock.now() + TICK).await;
        shared.follow_real_time();
    }
}

/// Why a connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
struct Closed;

async fn answer(shared: Arc<Shared>, request: http::Request<Incoming>) -> Result<http::Response<Sent>, Closed> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_LIMIT).collect().await.map_err(|_| Closed)?.to_bytes();
    let request = WireRequest::from(http::Request::from_parts(parts, body));
    let head = request.method == "HEAD";
    match shared.handle(request).await {
        (Reply::Closed, _) => Err(Closed),
        (Reply::Answer(answer), sending) => response(&shared, answer, sending, head).ok_or(Closed),
    }
}

fn response(shared: &Shared, answer: Answer, sending: Sending, head: bool) -> Option<http::Response<Sent>> {
    let mut builder = http::Response::builder().status(answer.status).header("date", http_date(shared.now()));
    for (name, value) in answer.headers {
        builder = builder.header(name, value);
    }
    let body = if head { Bytes::new() } else { answer.body };
    builder.body(Sent { length: body.len(), rest: Some(body), sending }).ok()
}

/// The body of an answer, and how it ends.
#[derive(Debug)]
struct Sent {
    length: usize,
    rest: Option<Bytes>,
    sending: Sending,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let half = |body: &Bytes| body.slice(..body.len() / 2);
        match (self.rest.take(), self.sending) {
            (Some(body), Sending::Whole) if body.is_empty() => Poll::Ready(None),
            (Some(body), Sending::Whole) => Poll::Ready(Some(Ok(Frame::data(body)))),
            (Some(body), _) => Poll::Ready(Some(Ok(Frame::data(half(&body))))),
            (None, Sending::Whole) => Poll::Ready(None),
            (None, Sending::Cut) => Poll::Ready(Some(Err(Closed))),
            // Nobody wakes this: the client gives up, and the connection goes with it.
            (None, Sending::Stalled) => Poll::Pending,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length as u64)
    }
}
