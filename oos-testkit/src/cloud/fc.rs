//! Function compute (FC): services, functions, and scripted results.

use std::{fmt, sync::Arc};

use oos_core::{Map, Value, params, ports::ApiError};

use super::{
    FakeCloud,
    api::{Api, Ctx},
    ecs::make::map,
    error::error,
    params::Params,
    state::State,
    store::Kind,
};
use crate::calls::Matcher;

pub(crate) const SERVICE: Kind = "FC::Service";
pub(crate) const FUNCTION: Kind = "FC::Function";

pub(crate) const APIS: &[Api] =
    &[Api::new("GetService", get_service, ""), Api::new("InvokeFunction", invoke_function, "")];

type Run = Arc<dyn Fn(&str) -> Value + Send + Sync>;

/// What a function answers.
#[derive(Clone)]
pub(crate) struct Rule {
    what: Matcher,
    run: Run,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.what)
    }
}

/// Makes a service or function.
pub(crate) fn add(state: &mut State, region: &str, kind: Kind, name: &str, members: &Map) {
    let mut data = map(&params! { "_name" => name, "_definition" => Value::from(members.clone()).to_string() });
    data.extend(members.clone());
    state.add(kind, name, region, data);
}

/// The result of a function: of the first script that matches its name, definition or event; else empty text.
pub(crate) fn invoke(state: &State, service: &str, function: &str, event: &str) -> Value {
    let name = format!("{service}/{function}");
    let definition = state.store.get(FUNCTION, &name).map(|r| r.text("_definition")).unwrap_or_default();
    let texts = [name.as_str(), &definition, event];
    let rule = state.functions.iter().find(|r| texts.iter().any(|t| r.what.matches_text(t)));
    rule.map_or_else(|| Value::from(""), |r| (r.run)(event))
}

fn get_service(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let name = p.str("service_name").or_else(|| p.str("serviceName")).unwrap_or_default();
    let r = ctx.need(SERVICE, &name, "ServiceNotFound")?;
    Ok(
        params! { "serviceName" => Arc::clone(&name), "serviceId" => Arc::clone(&name), "description" => r.text("Description"), "role" => r.text("Role") },
    )
}

fn invoke_function(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let text = |a: &str, b: &str| p.str(a).or_else(|| p.str(b)).unwrap_or_default();
    let (service, function) = (text("service_name", "serviceName"), text("function_name", "functionName"));
    if ctx.find(SERVICE, &service).is_none() {
        return Err(error("ServiceNotFound"));
    }
    let event = ctx.http.body.to_text();
    Ok(params! { "data" => invoke(ctx.s, &service, &function, &event) })
}

/// Scripts functions.
#[derive(Clone, Debug)]
pub struct Functions {
    cloud: FakeCloud,
}

impl Functions {
    pub(crate) fn new(cloud: FakeCloud) -> Self {
        Self { cloud }
    }

    /// Makes a service with a function, without a stack.
    pub fn function(&self, service: &str, function: &str) {
        self.cloud.with(|state| {
            let region = state.region.to_string();
            add(state, &region, SERVICE, service, &Map::new());
            add(state, &region, FUNCTION, &format!("{service}/{function}"), &Map::new());
        });
    }

    /// A function whose name, definition (its code) or event matches gives this result.
    pub fn on(&self, what: impl Into<Matcher>, result: impl Into<Value>) {
        let result = result.into();
        self.run(what, move |_| result.clone());
    }

    /// The same, with the result of a closure on the text of the event.
    pub fn run(&self, what: impl Into<Matcher>, run: impl Fn(&str) -> Value + Send + Sync + 'static) {
        let rule = Rule { what: what.into(), run: Arc::new(run) };
        self.cloud.with(|state| state.functions.push(rule));
    }
}
