//! From the properties of an API task to one logical call.
//!
//! Names stay as the template wrote them: turning them into wire names, and deciding between RPC, ROA and object
//! storage, is the caller's part, by the catalogue that it shares with the fake cloud (actions.md 4.2, 4.3). Here
//! only what the task says is carried over, with nulls and empty headers left out.

use std::sync::Arc;

use oos_core::{
    Map, Value,
    catalogue::call_all_pages,
    expr::drop_nulls,
    ports::{
        ActionContext, ActionError, ApiError, ApiRequest, ApiResponse,
        action::{ActionClass, Property, RetryRule, Signature},
    },
    template::ValueType,
};

use crate::{
    failure::{self, TOO_MANY_PAGES},
    properties::{Properties, wrong},
    signature,
};

/// The page "ACS::ExecuteAPI" gives true as the default.
const AUTO_PAGING: bool = true;

/// One call as a task asks for it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) request: ApiRequest,
    auto_paging: bool,
}

impl Call {
    /// Reads the properties that ExecuteAPI, WaitFor and CheckFor share.
    pub(crate) fn of(ctx: &ActionContext) -> Result<Self, ActionError> {
        let properties = Properties(ctx.raw_properties());
        let (service, api) = (properties.required_text("Service")?, properties.required_text("API")?);
        let parameters = drop_nulls(properties.map("Parameters")?.unwrap_or_default().into());
        let text = |name| Ok::<_, ActionError>(properties.text(name)?.map(Arc::from));
        let request = ApiRequest {
            method: text("Method")?,
            uri: uri(properties)?,
            headers: headers(properties)?,
            body: body(properties)?,
            version: text("Version")?,
            endpoint: text("Endpoint")?,
            ..ctx.request(&service, &api, parameters)
        };
        Ok(Self { request, auto_paging: properties.flag("AutoPaging")?.unwrap_or(AUTO_PAGING) })
    }

    /// Makes the call, all its pages unless the task says otherwise.
    pub(crate) async fn make(&self, ctx: &ActionContext) -> Result<ApiResponse, ApiError> {
        let answer = call_all_pages(&**ctx.api(), self.request.clone(), self.auto_paging).await?;
        Ok(ApiResponse { body: result_document(answer.body), ..answer })
    }
}

/// An empty body is the empty document (actions.md 4.7).
fn result_document(body: Value) -> Value {
    match body {
        Value::Null => Value::empty_map(),
        Value::String(text) if text.is_empty() => Value::empty_map(),
        other => other,
    }
}

/// The empty URI is a URI: the documented ROA example has it.
fn uri(properties: Properties<'_>) -> Result<Option<Arc<str>>, ActionError> {
    match properties.get("URI") {
        None => Ok(None),
        Some(Value::List(_) | Value::Map(_)) => Err(wrong("URI", "text")),
        Some(scalar) => Ok(Some(scalar.to_text())),
    }
}

/// An empty header means "do not send" (actions.md 4.1).
fn headers(properties: Properties<'_>) -> Result<Value, ActionError> {
    let headers = properties.map("Headers")?.unwrap_or_default();
    let given: Map = headers
        .iter()
        .filter(|(_, value)| !value.to_text().is_empty())
        .map(|(name, value)| (name.clone(), Value::from(value.to_text())))
        .collect();
    Ok(if given.is_empty() { Value::Null } else { given.into() })
}

fn body(properties: Properties<'_>) -> Result<Value, ActionError> {
    match properties.get("Body") {
        None => Ok(Value::Null),
        Some(body @ (Value::String(_) | Value::Map(_) | Value::List(_))) => Ok(drop_nulls(body.clone())),
        Some(_) => Err(wrong("Body", "text or a map")),
    }
}

/// The signature that the three share, before what each adds.
pub(crate) fn signature(name: &oos_core::ActionName, default_retries: u32, description: &str) -> Signature {
    let (text, json) = (&[ValueType::String], &[ValueType::Json]);
    let properties = vec![
        Property::required("Service", text, "product code in any case, e.g. ECS"),
        Property::required("API", text, "name of the operation in any case"),
        Property::optional("Parameters", json, "request parameters").default(Value::empty_map()),
        Property::optional("Method", text, "HTTP method of a ROA or object-storage call"),
        Property::optional("URI", text, "path and query of a ROA or object-storage call"),
        Property::optional("Headers", json, "request headers of a ROA call").default(Value::empty_map()),
        Property::optional("Body", &[ValueType::String, ValueType::Json], "body of a ROA call; a map goes as JSON"),
        Property::optional("AutoPaging", &[ValueType::Boolean], "fetch all pages and merge them").default(AUTO_PAGING),
        Property::optional("Risk", text, "Normal takes the call out of the risk confirmation, High puts it in")
            .allowed(["Normal", "High"]),
        Property::optional("Endpoint", text, "host to call instead of the product's own (an extension)"),
        Property::optional("Version", text, "version of the API (an extension)"),
    ];
    let signature = Signature {
        loops: true,
        calls_api: true,
        retry: RetryRule::Task { default_retries },
        ..signature::closed(name, ActionClass::Api, description, properties)
    }
    .gives([signature::document("body of the answer; {} when it is empty")]);
    failure::list(signature, &[TOO_MANY_PAGES])
}
