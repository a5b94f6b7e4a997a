//! The threads that read, each with a connection of its own, from one queue.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
};

use futures::channel::oneshot;
use oos_core::ports::store::StoreError;
use rusqlite::Connection;

use crate::{
    error::{closed, sql},
    writer::{join, no_thread},
};

type Read = Box<dyn FnOnce(&Connection) + Send>;

/// The way to the reading threads.
pub(crate) struct Readers {
    queue: Option<Sender<Read>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(crate) fn start(connections: Vec<Connection>) -> Result<Self, StoreError> {
        let (queue, inbox) = channel::<Read>();
        let inbox = Arc::new(Mutex::new(inbox));
        let start = |db: Connection| {
            let inbox = inbox.clone();
            let thread = std::thread::Builder::new().name("oos-sqlite-reader".to_owned());
            thread
                .spawn(move || {
                    while let Some(read) = next(&inbox) {
                        read(&db)
                    }
                })
                .map_err(no_thread)
        };
        let threads = connections.into_iter().map(start).collect::<Result<_, _>>()?;
        Ok(Self { queue: Some(queue), threads })
    }

    /// Reads one state of the file: everything that `work` sees belongs together.
    pub(crate) async fn read<F, T>(&self, work: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let read: Read = Box::new(move |db| {
            let _ = reply.send(work(db));
        });
        self.queue.as_ref().ok_or_else(closed)?.send(read).map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }
}

fn next(inbox: &Mutex<Receiver<Read>>) -> Option<Read> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Runs reads inside one transaction, so that they see one state.
pub(crate) fn consistent<T>(
    db: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let one_state = db.unchecked_transaction().map_err(sql)?;
    read(&one_state)
}

impl Drop for Readers {
    fn drop(&mut self) {
        drop(self.queue.take());
        self.threads.drain(..).for_each(join);
    }
}
