//! One action without a template around it (service-model 3.2, StartDebugExecution).

use super::{Engine, EngineError, ExecutionHandle, StartOptions};
use crate::{Map, Template, Value, params, template::FORMAT_VERSION};

impl Engine {
    /// Runs one action as an execution of its own, under a role or the caller's when it is empty; the output `result` is
    /// what it gave. For trying an action out, one's own above all.
    ///
    /// # Errors
    /// As [`Engine::start`]; an action that nobody registered is a finding.
    pub async fn run_action(
        &self,
        role: &str,
        action: &str,
        properties: impl Into<Value> + Send,
    ) -> Result<ExecutionHandle, EngineError> {
        let (document, values) = single_action(role, action, &properties.into());
        let template = Template::parse(&document.to_string()).map_err(EngineError::Template)?;
        self.start_with(&template, values, StartOptions::default()).await
    }
}

/// A template whose only task is an action, and the values of its parameters: its output `result` is what the action
/// gave. The properties are handed over as parameters, so that braces in them stay text.
pub fn single_action(role: &str, action: &str, properties: &Value) -> (Value, Value) {
    let given: Vec<_> = properties.as_map().into_iter().flat_map(Map::iter).collect();
    let declared = given.iter().enumerate().map(|(i, _)| (format!("p{i}"), params! { "Type" => "Json" }));
    let written = given.iter().enumerate().map(|(i, (key, _))| ((*key).clone(), format!("{{{{ p{i} }}}}")));
    let values = given.iter().enumerate().map(|(i, (_, value))| (format!("p{i}"), (*value).clone()));
    let (declared, written) = (declared.collect::<Map>(), written.collect::<Map>());
    let document = params! {
        "FormatVersion" => FORMAT_VERSION,
        "RamRole" => role,
        "Parameters" => declared,
        "Tasks" => [params! {
            "Name" => "action", "Action" => action, "Properties" => written,
            "Outputs" => params! { "result" => params! { "Type" => "Json", "ValueSelector" => "." } },
        }],
        "Outputs" => params! { "result" => params! { "Type" => "Json", "Value" => "{{ action.result }}" } },
    };
    (document, Value::from(values.collect::<Map>()))
}
