//! The one thread that writes: it takes whatever has queued up into one transaction and answers after the commit.
//!
//! Each write stands in a savepoint of its own, so that one that is refused changes nothing and costs the others
//! nothing. A commit that fails fails all its writes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use futures::channel::oneshot;
use oos_core::ports::store::StoreError;
use rusqlite::Connection;

use crate::{
    error::{closed, sql},
    pace::Pace,
};

/// CHOICE: writes that one commit takes at most, so that the first of them does not wait for ever.
const BATCH: usize = 1_024;

/// How busy the writer was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Writes that were taken or refused.
    pub writes: u64,
    /// Commits that contained them; with [`Durability::Full`](crate::Durability::Full), one flush each.
    pub commits: u64,
}

#[derive(Debug, Default)]
struct Counts {
    writes: AtomicU64,
    commits: AtomicU64,
}

/// Work that waits for the writer.
enum Message {
    /// One write of a commit.
    Write(Box<dyn Write>),
    /// Work that cannot stand inside a transaction.
    Alone(Box<dyn FnOnce(&Connection) + Send>),
}

trait Write: Send {
    /// Does the work; false when it was refused.
    fn run(&mut self, db: &Connection) -> bool;
    /// Answers the caller, with the error when the commit was lost.
    fn answer(self: Box<Self>, lost: Option<&StoreError>);
}

struct Task<F, T> {
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Write for Task<F, T>
where
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, db: &Connection) -> bool {
        self.result = self.work.take().map(|work| work(db));
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, lost: Option<&StoreError>) {
        // A refusal that rests on a lost commit is worth nothing either.
        let result = match lost {
            Some(error) => Err(error.clone()),
            None => self.result.unwrap_or_else(|| Err(closed())),
        };
        // Who no longer waits needs no answer.
        let _ = self.reply.send(result);
    }
}

/// The way to the writing thread. Dropping it waits until everything queued is written.
pub(crate) struct Writer {
    queue: Option<Sender<Message>>,
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread; every commit takes `slower` more than the disk needs.
    pub(crate) fn start(db: Connection, slower: Duration) -> Result<Self, StoreError> {
        let (queue, inbox) = channel();
        let counts = Arc::new(Counts::default());
        let counted = counts.clone();
        let thread = std::thread::Builder::new().name("oos-sqlite-writer".to_owned());
        let thread = thread.spawn(move || serve(&db, &inbox, &counted, slower)).map_err(no_thread)?;
        Ok(Self { queue: Some(queue), counts, thread: Some(thread) })
    }

    pub(crate) fn stats(&self) -> Stats {
        let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Stats { writes: read(&self.counts.writes), commits: read(&self.counts.commits) }
    }

    /// Does a write together with others; answers after the commit.
    pub(crate) async fn write<F, T>(&self, work: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Write(Box::new(Task { work: Some(work), result: None, reply })))?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Does work outside transactions.
    pub(crate) async fn alone<F, T>(&self, work: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Alone(Box::new(move |db| {
            let _ = reply.send(work(db));
        })))?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    fn send(&self, message: Message) -> Result<(), StoreError> {
        self.queue.as_ref().ok_or_else(closed)?.send(message).map_err(|_| closed())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        self.thread.take().into_iter().for_each(join);
    }
}

/// Waits for a thread to end, unless it is this one: an answer may drop the last store.
pub(crate) fn join(thread: JoinHandle<()>) {
    if thread.thread().id() != std::thread::current().id() {
        // A thread that panicked has nothing left to say.
        let _ = thread.join();
    }
}

pub(crate) fn no_thread(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("no thread could be started: {error}").into())
}

fn serve(db: &Connection, inbox: &Receiver<Message>, counts: &Counts, slower: Duration) {
    let (mut left, mut pace) = (None, Pace::default());
    loop {
        let queued = left.take().map_or_else(|| inbox.try_recv(), Ok);
        let (message, queued_up) = match queued {
            Ok(message) => (message, true),
            Err(_) => match inbox.recv() {
                Ok(message) => (message, false),
                Err(_) => return,
            },
        };
        match message {
            Message::Alone(work) => work(db),
            Message::Write(first) => {
                let mut batch = vec![first];
                left = gather(&mut batch, queued_up, inbox, &pace);
                let (writes, begun) = (batch.len(), now());
                commit(db, batch, counts, slower);
                pace.committed(writes, begun.elapsed());
            }
        }
    }
}

/// The clock that no result depends on: it paces commits.
#[expect(clippy::disallowed_methods, reason = "how long a commit takes is real time")]
fn now() -> Instant {
    Instant::now()
}

/// Gathers what has queued up behind the first write, and for a moment those who will come anyway; gives back what cannot
/// stand in the same commit.
fn gather(batch: &mut Vec<Box<dyn Write>>, queued_up: bool, inbox: &Receiver<Message>, pace: &Pace) -> Option<Message> {
    while batch.len() < BATCH {
        match inbox.try_recv() {
            Ok(Message::Write(write)) => batch.push(write),
            Ok(alone) => return Some(alone),
            Err(_) => break,
        }
    }
    let company = pace.company(if queued_up { batch.len() } else { 0 }).min(BATCH);
    let until = now() + pace.patience();
    while batch.len() < company {
        match inbox.recv_timeout(until.saturating_duration_since(now())) {
            Ok(Message::Write(write)) => batch.push(write),
            Ok(alone) => return Some(alone),
            Err(_) => break,
        }
    }
    None
}

/// The part of a slower disk.
#[expect(clippy::disallowed_methods, reason = "a thread that waits for a disk sleeps")]
fn pretend(slower: Duration) {
    if !slower.is_zero() {
        std::thread::sleep(slower);
    }
}

/// One transaction over some writes.
fn commit(db: &Connection, mut batch: Vec<Box<dyn Write>>, counts: &Counts, slower: Duration) {
    let mut lost = execute(db, "BEGIN IMMEDIATE").err();
    for write in &mut batch {
        lost = lost.or_else(|| run(db, &mut **write).err());
    }
    pretend(slower);
    lost = lost.or_else(|| execute(db, "COMMIT").err());
    if !db.is_autocommit() {
        // Only after a failure; what it says would add nothing to it.
        let _ = execute(db, "ROLLBACK");
    }
    counts.commits.fetch_add(1, Ordering::Relaxed);
    counts.writes.fetch_add(batch.len() as u64, Ordering::Relaxed);
    batch.into_iter().for_each(|write| write.answer(lost.as_ref()));
}

/// One write in its savepoint. Fails only when the whole transaction is lost.
fn run(db: &Connection, write: &mut dyn Write) -> Result<(), StoreError> {
    execute(db, "SAVEPOINT write")?;
    if !write.run(db) {
        if db.is_autocommit() {
            return Err(StoreError::Unavailable("the transaction was rolled back; is the disk full?".into()));
        }
        execute(db, "ROLLBACK TO write")?;
    }
    execute(db, "RELEASE write")
}

fn execute(db: &Connection, statement: &str) -> Result<(), StoreError> {
    db.prepare_cached(statement).and_then(|mut s| s.execute([])).map(drop).map_err(sql)
}
