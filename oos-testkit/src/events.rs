//! An event sink that remembers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oos_core::{
    ExecutionId,
    ports::{EventSink, ExecutionEvent},
};

/// Remembers events in order; clones share them.
#[derive(Clone, Debug, Default)]
pub struct EventRecorder {
    events: Arc<Mutex<Vec<ExecutionEvent>>>,
    observers: Vec<Arc<dyn EventSink>>,
}

impl EventRecorder {
    /// The same record, told to others too.
    #[must_use]
    pub fn with_observers(&self, observers: Vec<Arc<dyn EventSink>>) -> Self {
        Self { events: self.events.clone(), observers }
    }

    /// All events so far.
    pub fn all(&self) -> Vec<ExecutionEvent> {
        self.lock().clone()
    }

    /// True when nothing has happened yet.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// How many events pass a test.
    pub fn count(&self, test: impl Fn(&ExecutionEvent) -> bool) -> usize {
        self.lock().iter().filter(|e| test(e)).count()
    }

    /// Events of one execution and of everything below it; ids of children start with the id of their parent.
    pub fn of(&self, root: &ExecutionId) -> Vec<ExecutionEvent> {
        let below = format!("{root}.");
        let belongs = |id: &ExecutionId| id == root || id.as_str().starts_with(&below);
        self.lock().iter().filter(|e| belongs(&e.execution)).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ExecutionEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for EventRecorder {
    fn emit(&self, event: &ExecutionEvent) {
        self.lock().push(event.clone());
        self.observers.iter().for_each(|observer| observer.emit(event));
    }
}
