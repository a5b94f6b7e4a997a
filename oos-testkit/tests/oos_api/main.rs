//! The API of OOS over a real engine: every operation with its errors, and a run from its start to its outputs.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::indexing_slicing, reason = "tests")]

mod analysis;
mod end_to_end;
mod executions;
mod notifications;
mod parameters;
mod tasks;
mod templates;

use std::time::Duration;

use oos_core::{
    Value,
    ports::{ApiCaller, ApiError, ApiRequest},
};
use oos_testkit::{Executor, FakeCloud, oos_service::OosService};

/// A service in virtual time.
struct Desk {
    cloud: FakeCloud,
    executor: Executor,
    service: OosService,
}

impl Desk {
    fn new() -> Self {
        let (cloud, executor) = (FakeCloud::new(), Executor::default());
        let spawner = executor.clone();
        let service = OosService::builder(&cloud).engine(move |engine| engine.spawner(spawner)).build().unwrap();
        Self { cloud, executor, service }
    }

    fn send(&self, request: ApiRequest) -> Result<Value, ApiError> {
        let service = self.service.clone();
        let answer = self.executor.block_on(self.cloud.clock(), async move { service.call(request).await });
        let answer = answer.unwrap()?;
        assert_eq!(answer.body.at(&["RequestId"]).as_str(), answer.request_id.as_deref());
        Ok(answer.body)
    }

    /// The answer of a call that must go well.
    fn ok(&self, api: &str, parameters: serde_json::Value) -> Value {
        self.send(ApiRequest::new("OOS", api, Value::from(parameters))).unwrap()
    }

    /// The code of a call that must not.
    fn code(&self, api: &str, parameters: serde_json::Value) -> String {
        self.send(ApiRequest::new("OOS", api, Value::from(parameters))).unwrap_err().code().to_owned()
    }

    /// Code and status of a call that must not go well.
    fn refusal(&self, api: &str, parameters: serde_json::Value) -> (String, u16) {
        match self.send(ApiRequest::new("OOS", api, Value::from(parameters))).unwrap_err() {
            ApiError::Service { code, http_status, body, .. } => {
                assert!(body.get("RequestId").is_some() && body.get("HostId").is_some(), "{body}");
                (code.to_string(), http_status)
            }
            other => (other.code().to_owned(), 0),
        }
    }

    /// A call as somebody else.
    fn by(&self, role: &str, api: &str, parameters: serde_json::Value) -> Result<Value, String> {
        let request = ApiRequest { role: role.into(), ..ApiRequest::new("OOS", api, Value::from(parameters)) };
        self.send(request).map_err(|error| error.code().to_owned())
    }

    /// Lets time pass.
    fn run_for(&self, seconds: u64) {
        let deadline = self.cloud.now() + Duration::from_secs(seconds);
        self.executor.drive(self.cloud.clock(), Some(deadline), || false);
    }

    /// Makes a template.
    fn template(&self, name: &str, text: &str) {
        self.ok("CreateTemplate", serde_json::json!({"TemplateName": name, "Content": text}));
    }

    /// Starts a template that was made; gives the id.
    fn start(&self, name: &str, parameters: serde_json::Value) -> String {
        let answer = self.ok("StartExecution", serde_json::json!({"TemplateName": name, "Parameters": parameters}));
        text(&answer, &["Execution", "ExecutionId"])
    }

    /// The row of an execution.
    fn row(&self, id: &str) -> Value {
        let rows = list(&self.ok("ListExecutions", serde_json::json!({"ExecutionId": id})), "Executions");
        assert_eq!(rows.len(), 1, "{id}");
        rows[0].clone()
    }

    fn status(&self, id: &str) -> String {
        text(&self.row(id), &["Status"])
    }

    /// The rows of the tasks of an execution.
    fn tasks(&self, id: &str) -> Vec<Value> {
        list(&self.ok("ListTaskExecutions", serde_json::json!({"ExecutionId": id})), "TaskExecutions")
    }
}

fn text(value: &Value, path: &[&str]) -> String {
    value.at(path).to_text().to_string()
}

fn list(value: &Value, member: &str) -> Vec<Value> {
    value.at(&[member]).as_list().unwrap().to_vec()
}

/// One member of each row.
fn column(rows: &[Value], member: &str) -> Vec<String> {
    rows.iter().map(|row| text(row, &[member])).collect()
}

/// Nothing but a wait of that many seconds.
fn sleeping(seconds: u64) -> String {
    format!(
        "FormatVersion: OOS-2019-06-01\nParameters:\n  who: {{Type: String, Default: nobody}}\nTasks:\n  - Name: nap\n    Action: ACS::Sleep\n    Properties: {{Duration: PT{seconds}S}}\nOutputs:\n  who: {{Type: String, Value: '{{{{ who }}}}'}}\n"
    )
}
