//! The real environment, files, randomness and processes. Clock and spawner are those of `oos_core`.

use std::path::Path;

use super::{Entropy, Env, FileRead};

/// Variables of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEnv;

impl Env for SystemEnv {
    #[expect(clippy::disallowed_methods, reason = "this is the port itself")]
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// Files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemFiles;

impl FileRead for SystemFiles {
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        std::fs::read(path)
    }
}

/// UUIDs and a fast generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn nonce(&self) -> String {
        uuid::Uuid::new_v4().simple().to_string()
    }

    fn unit(&self) -> f64 {
        fastrand::f64()
    }
}

/// Programs of this machine.
#[cfg(feature = "process")]
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemProcesses;

#[cfg(feature = "process")]
#[async_trait::async_trait]
impl super::ProcessRun for SystemProcesses {
    async fn run(&self, argv: &[String], limit: std::time::Duration) -> std::io::Result<Vec<u8>> {
        use std::io::{Error, ErrorKind};
        let (program, arguments) =
            argv.split_first().ok_or_else(|| Error::new(ErrorKind::InvalidInput, "the command is empty"))?;
        let mut command = tokio::process::Command::new(program);
        command.args(arguments).stdin(std::process::Stdio::null()).kill_on_drop(true);
        let late = |_| Error::new(ErrorKind::TimedOut, "the program took too long");
        let output = tokio::time::timeout(limit, command.output()).await.map_err(late)??;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(Error::other(format!("the program ended with {}", output.status))),
        }
    }
}
