//! What an invocation looks like at an instant.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use oos_core::{Timestamp, Value, params};

use super::{How, Invocation, Run};

/// CHOICE: longest output in bytes; of a longer one the last part is kept.
pub(super) const LONGEST_OUTPUT: usize = 24 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Pending,
    Running,
    Stopped,
    Ended,
}

impl Run {
    pub(super) fn phase(&self, now: Timestamp) -> Phase {
        let end = self.ends.filter(|at| *at <= now);
        if self.stopped.is_some_and(|at| at <= now && end.is_none_or(|e| e > at)) {
            Phase::Stopped
        } else if end.is_some() {
            Phase::Ended
        } else if now < self.begins {
            Phase::Pending
        } else {
            Phase::Running
        }
    }

    /// False when the command could not run to its end.
    fn ran(&self) -> bool {
        self.how == How::Exits
    }

    /// `InvocationStatus` of one instance.
    pub(super) fn status(&self, now: Timestamp) -> &'static str {
        match (self.phase(now), self.how) {
            (Phase::Pending, _) => "Pending",
            (Phase::Running, _) => "Running",
            (Phase::Stopped, _) => "Cancelled",
            (Phase::Ended, How::Exits) if self.output.exit == 0 => "Success",
            (Phase::Ended, How::Exits) => "Failed",
            (Phase::Ended, How::TimesOut) => "Timeout",
            (Phase::Ended, How::Offline | How::Aborted) => "Aborted",
            (Phase::Ended, How::Crashes) => "Terminated",
        }
    }

    /// `InvokeRecordStatus` and `InstanceInvokeStatus`: the older words of one instance.
    pub(super) fn record_status(&self, now: Timestamp) -> &'static str {
        match self.phase(now) {
            Phase::Pending => "Pending",
            Phase::Running => "Running",
            Phase::Stopped => "Stopped",
            Phase::Ended if self.ran() => "Finished",
            Phase::Ended => "Failed",
        }
    }

    /// CHOICE: `ErrorCode` and `ErrorInfo` of a run that did not come to its end.
    pub(super) fn trouble(&self, now: Timestamp) -> (&'static str, &'static str) {
        match (self.phase(now), self.how) {
            (Phase::Ended, How::TimesOut) => ("ExecutionTimeout", "the command execution has been timeout"),
            (Phase::Ended, How::Offline) => ("ClientNotRunning", "the cloud assistant agent is not running"),
            (Phase::Ended, How::Aborted) => ("DeliveryTimeout", "the command delivery has been timeout"),
            (Phase::Ended, How::Crashes) => {
                ("InstanceNotRunning", "the instance stopped while the command was running")
            }
            _ => ("", ""),
        }
    }

    fn time(at: Option<Timestamp>) -> String {
        at.map_or_else(String::new, Timestamp::to_iso)
    }

    fn end_at(&self, now: Timestamp) -> Option<Timestamp> {
        match self.phase(now) {
            Phase::Stopped => self.stopped,
            Phase::Ended => self.ends,
            _ => None,
        }
    }

    /// The text produced so far and the number of bytes that were lost from its head.
    fn text(&self, now: Timestamp) -> (String, usize) {
        if self.phase(now) == Phase::Pending || matches!(self.how, How::Offline | How::Aborted) {
            return (String::new(), 0);
        }
        let text = &self.output.stdout;
        let mut from = text.len().saturating_sub(LONGEST_OUTPUT);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        (text.get(from..).unwrap_or_default().to_owned(), from)
    }

    /// One member of `InvokeDesktops`: fewer words for the status, the exit code always once it ended.
    pub(crate) fn desktop_view(&self, now: Timestamp, with_output: bool) -> Value {
        let status = match self.status(now) {
            word @ ("Pending" | "Running" | "Success" | "Timeout") => word,
            _ => "Failed",
        };
        let mut out = super::super::make::map(&params! {
            "DesktopId" => Arc::clone(&self.instance), "InvocationStatus" => status, "ErrorCode" => self.trouble(now).0,
            "CreationTime" => self.begins.to_iso(), "FinishTime" => Self::time(self.end_at(now)),
        });
        if self.phase(now) == Phase::Ended {
            out.insert("ExitCode", if self.ran() { self.output.exit } else { -1 });
        }
        if with_output {
            out.insert("Output", STANDARD.encode(self.text(now).0));
        }
        Value::from(out)
    }

    /// One member of `InvocationResult`, or of `InvokeInstance` with the older name of the status.
    pub(super) fn view(&self, of: &Invocation, now: Timestamp, plain: bool) -> Value {
        let (text, dropped) = self.text(now);
        let (code, info) = self.trouble(now);
        let begun = (now >= self.begins && !matches!(self.how, How::Offline | How::Aborted)).then_some(self.begins);
        let mut out = super::super::make::map(&params! {
            "InstanceId" => Arc::clone(&self.instance), "InvokeId" => Arc::clone(&of.id),
            "CommandId" => Arc::clone(&of.command.id), "Output" => if plain { text } else { STANDARD.encode(text) },
            "Dropped" => u64::try_from(dropped).unwrap_or(0), "ErrorCode" => code, "ErrorInfo" => info,
            "InvocationStatus" => self.status(now), "InvokeRecordStatus" => self.record_status(now),
            "InstanceInvokeStatus" => self.record_status(now), "CreationTime" => of.created.to_iso(),
            "StartTime" => Self::time(begun), "FinishedTime" => Self::time(self.end_at(now)),
            "FinishTime" => Self::time(self.end_at(now)), "StopTime" => Self::time(self.stopped.filter(|at| *at <= now)),
            "UpdateTime" => now.to_iso(), "Repeats" => u64::from(self.phase(now) == Phase::Ended),
            "Username" => Arc::clone(&of.username), "Timed" => false, "ContainerId" => "", "ContainerName" => "",
        });
        if self.phase(now) == Phase::Ended && self.ran() {
            out.insert("ExitCode", self.output.exit);
        }
        Value::from(out)
    }
}

impl Invocation {
    fn count(&self, test: impl Fn(&Run) -> bool) -> usize {
        self.runs.iter().filter(|r| test(r)).count()
    }

    fn under_way(&self, now: Timestamp) -> Option<&'static str> {
        let any = |phase| self.runs.iter().any(|r| r.phase(now) == phase);
        if any(Phase::Running) {
            Some("Running")
        } else if any(Phase::Pending) {
            Some(if any(Phase::Ended) { "Running" } else { "Pending" })
        } else {
            None
        }
    }

    /// What was printed, of all runs together.
    pub(crate) fn output(&self) -> String {
        self.runs.iter().map(|r| r.output.stdout.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// `InvokeStatus`, the older aggregate: what ran counts as finished whatever its exit code.
    pub(super) fn invoke_status(&self, now: Timestamp) -> &'static str {
        let failed = self.count(|r| !r.ran());
        match self.under_way(now) {
            Some(status) => status,
            None if self.runs.iter().any(|r| r.phase(now) == Phase::Stopped) => "Stopped",
            None if failed == 0 => "Finished",
            None if failed == self.runs.len() => "Failed",
            None => "PartialFailed",
        }
    }

    /// `InvocationStatus`, the newer aggregate.
    pub(crate) fn status(&self, now: Timestamp) -> &'static str {
        let good = self.count(|r| r.status(now) == "Success");
        match self.under_way(now) {
            Some(status) => status,
            None if self.runs.iter().any(|r| r.phase(now) == Phase::Stopped) => "Stopped",
            None if good == self.runs.len() => "Success",
            None if good == 0 => "Failed",
            None => "PartialFailed",
        }
    }

    /// One member of `Invocations.Invocation`.
    pub(super) fn view(&self, now: Timestamp, outputs: bool, plain: bool) -> Value {
        let instances: Vec<Value> = self
            .runs
            .iter()
            .map(|run| {
                let mut view = super::super::make::map(&run.view(self, now, plain));
                if !outputs {
                    view.remove("Output");
                }
                Value::from(view)
            })
            .collect();
        let content = &self.command.content;
        params! {
            "InvokeId" => Arc::clone(&self.id), "CommandId" => Arc::clone(&self.command.id),
            "CommandName" => Arc::clone(&self.command.name), "CommandType" => Arc::clone(&self.command.kind),
            "CommandContent" => if plain { content.clone() } else { STANDARD.encode(content) },
            "InvokeStatus" => self.invoke_status(now), "InvocationStatus" => self.status(now),
            "CreationTime" => self.created.to_iso(), "Parameters" => self.parameters.to_text(),
            "Timeout" => self.command.timeout, "WorkingDir" => Arc::clone(&self.command.working_dir),
            "Username" => Arc::clone(&self.username), "Timed" => false, "RepeatMode" => "Once", "Frequency" => "",
            "InvokeInstances" => params! { "InvokeInstance" => instances },
        }
    }
}
