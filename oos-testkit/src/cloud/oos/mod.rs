//! What is left of OOS when an engine answers for executions and templates: packages, patches, the parameter store.

mod parameter;
mod tag;

use oos_core::{Map, Value, params, ports::ApiError};

use super::{
    FakeCloud,
    api::{Api, Ctx, done},
    ecs::make::map,
    error::error,
    params::Params,
    store::Kind,
};

const PACKAGE: Kind = "OOS::PackageState";
const PATCH: Kind = "OOS::PatchState";

pub(crate) const TABLES: &[&[Api]] = &[parameter::APIS, tag::APIS, APIS];

const APIS: &[Api] = &[
    Api::new("ListInstancePatchStates", patch_states, "InstanceIds!"),
    Api::new("ListInstancePackageStates", package_states, "InstanceId!"),
    Api::new("UpdateInstancePackageState", update_package, "InstanceId! TemplateName! ConfigureAction!"),
];

fn patch_states(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let wanted = p.list("InstanceIds");
    let rows: Vec<Value> =
        ctx.list(PATCH).filter(|r| wanted.contains(&r.text("InstanceId"))).map(|r| Value::from(r.view())).collect();
    Ok(params! { "InstancePatchStates" => rows, "NextToken" => "", "MaxResults" => 50 })
}

fn package_states(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (instance, names) = (p.need("InstanceId")?, p.list("TemplateNames"));
    let rows: Vec<Value> = ctx
        .list(PACKAGE)
        .filter(|r| r.str("InstanceId") == &*instance && (names.is_empty() || names.contains(&r.text("TemplateName"))))
        .map(|r| Value::from(r.view()))
        .collect();
    Ok(params! { "PackageStates" => rows, "NextToken" => "", "MaxResults" => 50 })
}

fn update_package(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (instance, name) = (p.need("InstanceId")?, p.need("TemplateName")?);
    ctx.need("ECS::Instance", &instance, "InvalidInstanceId.NotFound")?;
    let id = format!("package/{instance}/{name}");
    match &*p.need("ConfigureAction")?.to_ascii_lowercase() {
        "install" => {
            let data = params! {
                "InstanceId" => instance, "TemplateName" => name, "TemplateVersion" => p.str("TemplateVersion").unwrap_or_else(|| "v1".into()),
                "Parameters" => p.get("Parameters").to_text(), "UpdateTime" => ctx.now().to_iso(), "Publisher" => "ACS",
            };
            ctx.create_as(PACKAGE, &id, map(&data))?;
        }
        "uninstall" => {
            ctx.s.store.remove(PACKAGE, &id);
        }
        _ => return Err(error("InvalidParameter.ConfigureAction")),
    }
    done()
}

/// The parameter store and what else OOS keeps, as a test sees it.
#[derive(Clone, Debug)]
pub struct OosSetup {
    cloud: FakeCloud,
}

impl OosSetup {
    pub(crate) fn new(cloud: FakeCloud) -> Self {
        Self { cloud }
    }

    /// Stores a parameter, or its next version: text, or a list.
    pub fn parameter(&self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        self.cloud.with(|state| parameter::put(state, false, name, &value));
    }

    /// Stores a secret parameter, or its next version.
    pub fn secret(&self, name: &str, value: &str) {
        self.cloud.with(|state| parameter::put(state, true, name, &Value::from(value)));
    }

    /// Stores the patch state of an instance, in the shape of the wire.
    pub fn patch_state(&self, instance: &str, members: impl Into<Value>) {
        let mut data: Map = map(&members.into());
        data.insert("InstanceId", instance);
        self.cloud.with(|state| {
            let region = state.region.to_string();
            state.add(PATCH, format!("patch/{instance}"), &region, data);
        });
    }
}
