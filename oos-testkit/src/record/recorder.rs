//! Writes what passes.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use oos_core::{
    Template, Value,
    ports::{ApiCaller, ApiError, ApiRequest, ApiResponse},
};

use super::{Asked, Entry, FORMAT, Redaction};

/// Passes calls on, and writes each with its answer into a file, one JSON line per call, without secrets.
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// # let cloud = oos_testkit::FakeCloud::new();
/// use oos_testkit::{TestBed, record::Recorder};
///
/// // Around the real client this records what the cloud says; here around a fake one.
/// let bed = TestBed::on(&cloud).seed(1).api(Recorder::create("start.jsonl", cloud.clone())?.secret("hunter2"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Recorder<A> {
    inner: A,
    file: Mutex<File>,
    redaction: Redaction,
}

impl<A: ApiCaller> Recorder<A> {
    /// Records the calls to `inner` in a new file; an old one of that name is lost.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn create(path: impl AsRef<Path>, inner: A) -> io::Result<Self> {
        let mut file = File::create(path)?;
        writeln!(file, "{}", oos_core::params! { "format" => FORMAT })?;
        Ok(Self { inner, file: Mutex::new(file), redaction: Redaction::default() })
    }

    /// The same recorder, to which this text is a secret.
    #[must_use]
    pub fn secret(self, text: &str) -> Self {
        self.redaction.secret(text);
        self
    }

    /// The same recorder, to which the values of the template's `NoEcho` parameters are secrets.
    #[must_use]
    pub fn no_echo(self, template: &Template, parameters: &Value) -> Self {
        self.redaction.no_echo(template, parameters);
        self
    }

    /// What is taken out; secrets that turn up later can be told to it.
    pub fn redaction(&self) -> &Redaction {
        &self.redaction
    }

    fn write(&self, entry: &Entry) -> io::Result<()> {
        let line = entry.to_line(&self.redaction) + "\n";
        // One write per line: what was recorded before a crash is whole.
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes())
    }
}

#[async_trait]
impl<A: ApiCaller> ApiCaller for Recorder<A> {
    async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        let asked = Asked::of(&request, &self.redaction);
        let answer = self.inner.call(request).await;
        let entry = Entry { asked, answer };
        match self.write(&entry) {
            Ok(()) => entry.answer,
            // A recording with holes would fail much later, and somewhere else.
            Err(error) => Err(ApiError::Unsupported {
                code: "Testkit.RecordingFailed".into(),
                message: format!("the call was made, but could not be recorded: {error}").into(),
            }),
        }
    }
}
