//! An execution that waits because a restart has lost the value of a NoEcho parameter: nothing of it runs until the host
//! supplies the value, or cancels.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError},
};

use futures::StreamExt;

use super::{
    Finished, Inner,
    driver::{Command, Driver, Reply, Wires},
    replay::take_up,
};
use crate::{
    Value,
    machine::{BOUND, ExecutionStatus, Input, InputKind, Refusal, SignalKind, bind_one},
    ports::{
        control::WaitingFor,
        index::{ExecutionQuery, Summary},
        store::{Epoch, Journal, JournalWrite, Record, StoreError},
    },
};

/// The execution and what it lacks.
pub(super) struct Withheld {
    inner: Arc<Inner>,
    journal: Journal,
    epoch: Epoch,
    seq: u64,
    lost: BTreeSet<String>,
    wires: Wires,
}

/// How the wait ended.
enum Next {
    Wait,
    Go,
    Cancelled,
}

impl Withheld {
    pub(super) fn new(
        inner: Arc<Inner>,
        journal: Journal,
        epoch: Epoch,
        seq: u64,
        lost: BTreeSet<String>,
        wires: Wires,
    ) -> Self {
        Self { inner, journal, epoch, seq, lost, wires }
    }

    /// Says in the index what the execution waits for.
    pub(super) async fn tell(&self) -> Result<(), StoreError> {
        let message = format!("values of secrets were lost in a restart: {}", self.names());
        self.write(Vec::new(), &|row| {
            row.status = ExecutionStatus::Waiting;
            row.waiting_for = Some(WaitingFor::Secret);
            row.status_message = Some(message.as_str().into());
        })
        .await
    }

    /// The names under which the values may be supplied.
    fn names(&self) -> String {
        let own = format!("{}/", self.journal.header.id);
        let short = |handle: &String| handle.strip_prefix(&own).unwrap_or(handle).trim_end_matches(BOUND).to_owned();
        self.lost.iter().map(short).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
    }

    async fn write(&self, records: Vec<Record>, change: &(dyn Fn(&mut Summary) + Sync)) -> Result<(), StoreError> {
        let id = self.journal.header.id.clone();
        let query = ExecutionQuery { id: Some(id.clone()), limit: 1, ..ExecutionQuery::default() };
        let mut rows = self.inner.index.list(&query).await?.rows;
        rows.iter_mut().for_each(|row| {
            row.update = self.inner.clock.now();
            change(row);
        });
        let write =
            JournalWrite { id, expected_seq: self.seq, epoch: self.epoch, records, summaries: rows, snapshot: None };
        self.inner.store.append(write).await
    }

    /// Waits; then drives the execution on.
    pub(super) async fn run(mut self) {
        let id = self.journal.header.id.clone();
        while let Some(command) = self.wires.receiver.next().await {
            match self.take(command).await {
                Ok(Next::Wait) => {}
                Ok(Next::Go) => return self.go().await,
                Ok(Next::Cancelled) => {
                    let finished = Finished { status: ExecutionStatus::Cancelled, outputs: Value::Null, failure: None };
                    return self.stop(Ok(finished));
                }
                Err(error) => {
                    tracing::error!(execution = id.as_str(), %error, "the engine stops driving");
                    return self.stop(Err(error));
                }
            }
        }
    }

    async fn take(&mut self, command: Command) -> Result<Next, StoreError> {
        match command {
            Command::Supply(name, value, reply) => Ok(self.supply(&name, &value, reply)),
            Command::Signal(signal, reply) if signal.kind == SignalKind::SecretSupplied => Ok(self.check(reply)),
            Command::Signal(signal, reply) if signal.kind == SignalKind::Cancel => {
                // CHOICE: no handler runs; what it would do may need the value that nobody has.
                let now = self.inner.clock.now();
                let input = Arc::new(Input { at: now, kind: InputKind::Signal(signal) });
                let cancelled = |row: &mut Summary| {
                    (row.status, row.waiting_for, row.end) = (ExecutionStatus::Cancelled, None, Some(now));
                };
                self.write(vec![Record { seq: self.seq + 1, input }], &cancelled).await?;
                let _ = reply.send(Ok(()));
                Ok(Next::Cancelled)
            }
            Command::Signal(_, reply) => {
                let message = format!("the execution waits for values of secrets: {}", self.names());
                let _ = reply.send(Err(Refusal { code: "EntityStatusConflict.Execution", message }));
                Ok(Next::Wait)
            }
            Command::Report(reply) => {
                let _ = reply.send(Vec::new());
                Ok(Next::Wait)
            }
            // A subscription of the engine before; it is made again when the execution goes on.
            Command::Fired(..) | Command::Admit(_) | Command::Watch(..) => Ok(Next::Wait),
        }
    }

    /// Takes a value: of a parameter of the root by name, of any other by the name that the message shows.
    fn supply(&mut self, name: &str, value: &Value, reply: Reply) -> Next {
        let own = format!("{}/{name}", self.journal.header.id);
        let bound = format!("{own}{BOUND}");
        if self.lost.contains(&own) || self.lost.contains(&bound) {
            match self.bound(name, value) {
                Ok(value) => self.inner.vault.put(&bound, value),
                Err(refusal) => {
                    let _ = reply.send(Err(refusal));
                    return Next::Wait;
                }
            }
        }
        for handle in [own.as_str(), name] {
            if self.lost.contains(handle) {
                self.inner.vault.put(handle, value.clone());
            }
        }
        let known = [&own, &bound, name].iter().any(|h| self.lost.contains(*h));
        if !known {
            let message = format!("`{name}` is not missing; missing are: {}", self.names());
            let _ = reply.send(Err(Refusal { code: "InvalidParameter", message }));
            return Next::Wait;
        }
        let vault = self.inner.vault.clone();
        self.lost.retain(|handle| vault.get(handle).is_none());
        let _ = reply.send(Ok(()));
        if self.lost.is_empty() { Next::Go } else { Next::Wait }
    }

    fn bound(&self, name: &str, value: &Value) -> Result<Value, Refusal> {
        let refusal = |message: String| Refusal { code: "InvalidParameter", message };
        let plan = super::replay::root_plan(&self.inner, &self.journal.header).map_err(|e| refusal(e.to_string()))?;
        bind_one(&plan, name, value).map_err(|e| refusal(e.to_string()))
    }

    /// The host says that the values are in the vault.
    fn check(&mut self, reply: Reply) -> Next {
        let vault = self.inner.vault.clone();
        self.lost.retain(|handle| vault.get(handle).is_none());
        if self.lost.is_empty() {
            let _ = reply.send(Ok(()));
            return Next::Go;
        }
        let message = format!("values of secrets are still missing: {}", self.names());
        let _ = reply.send(Err(Refusal { code: "EntityStatusConflict.Execution", message }));
        Next::Wait
    }

    async fn go(self) {
        match take_up(&self.inner, &self.journal) {
            Ok((mut replayed, untold)) => {
                replayed.tree.touch();
                let header = self.journal.header.clone();
                let mut driver = Driver::new(self.inner, replayed.tree, header, self.epoch, replayed.seq, self.wires);
                driver.take_up(&self.journal, untold);
                Box::new(driver).run().await;
            }
            Err(error) => {
                let error = StoreError::Corrupt(error.to_string().into());
                self.stop(Err(error));
            }
        }
    }

    fn stop(self, result: Result<Finished, StoreError>) {
        self.inner.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.journal.header.id);
        let _ = self.wires.done.send(result);
    }
}
