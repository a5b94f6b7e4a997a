//! What is left of OOS when an engine answers for executions and templates: packages, patches, the parameter store.

use async_trait::async_trait;
use oos_core::{
    Map, Value, params,
    ports::{
        ApiError,
        parameter_store::{ParameterRef, ParameterStore, ParameterValue},
        store::StoreError,
    },
};

use super::{
    FakeCloud,
    api::{Api, Ctx, done},
    ecs::make::map,
    error::error,
    params::Params,
    store::Kind,
};

const PLAIN: Kind = "OOS::Parameter";
const SECRET: Kind = "OOS::SecretParameter";
const PACKAGE: Kind = "OOS::PackageState";
const PATCH: Kind = "OOS::PatchState";

pub(crate) const APIS: &[Api] = &[
    Api::new("GetParameter", get_parameter, "Name!"),
    Api::new("GetSecretParameter", get_secret, "Name!"),
    Api::new("DeleteParameter", delete_parameter, "Name!"),
    Api::new("DeleteSecretParameter", delete_secret, "Name!"),
    Api::new("ListInstancePatchStates", patch_states, "InstanceIds!"),
    Api::new("ListInstancePackageStates", package_states, "InstanceId!"),
    Api::new("UpdateInstancePackageState", update_package, "InstanceId! TemplateName! ConfigureAction!"),
];

fn key(kind: Kind, name: &str) -> String {
    format!("{}:{name}", if kind == SECRET { "oos-secret" } else { "oos" })
}

fn parameter(ctx: &Ctx<'_>, kind: Kind, p: &Params) -> Result<Value, ApiError> {
    let r = ctx.need(kind, &key(kind, &p.need("Name")?), "EntityNotExists.Parameter")?;
    let mut out = r.view();
    // The value of a secret is shown on demand only.
    if kind == SECRET && !p.bool("WithDecryption") {
        out.remove("Value");
    }
    Ok(params! { "Parameter" => out })
}

fn get_parameter(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    parameter(ctx, PLAIN, p)
}

fn get_secret(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    parameter(ctx, SECRET, p)
}

fn delete(ctx: &mut Ctx<'_>, kind: Kind, p: &Params) -> Result<Value, ApiError> {
    let id = key(kind, &p.need("Name")?);
    ctx.need(kind, &id, "EntityNotExists.Parameter")?;
    ctx.s.store.remove(kind, &id);
    done()
}

fn delete_parameter(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    delete(ctx, PLAIN, p)
}

fn delete_secret(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    delete(ctx, SECRET, p)
}

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

    fn add(&self, kind: Kind, name: &str, value: &Value) {
        self.cloud.with(|state| {
            let region = state.region.to_string();
            let data = params! {
                "Name" => name, "Value" => value.to_text(), "Type" => if kind == SECRET { "Secret" } else { "String" },
                "ParameterVersion" => 1, "_value" => value.clone(), "Id" => format!("p-{name}"),
            };
            state.add(kind, key(kind, name), &region, map(&data));
        });
    }

    /// Stores a parameter: text, or a list.
    pub fn parameter(&self, name: &str, value: impl Into<Value>) {
        self.add(PLAIN, name, &value.into());
    }

    /// Stores a secret parameter.
    pub fn secret(&self, name: &str, value: &str) {
        self.add(SECRET, name, &Value::from(value));
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

/// `{{ oos:NAME }}` and `{{ oos-secret:NAME }}` are answered from the same store. Versions are not kept apart.
#[async_trait]
impl ParameterStore for FakeCloud {
    async fn get(&self, names: &[ParameterRef]) -> Result<Vec<ParameterValue>, StoreError> {
        Ok(self.with(|state| {
            let value = |reference: &ParameterRef| {
                let kind = if reference.secret { SECRET } else { PLAIN };
                let value = state.store.get(kind, &key(kind, &reference.name))?.data.get("_value").cloned()?;
                Some(ParameterValue { reference: reference.clone(), value })
            };
            names.iter().filter_map(value).collect()
        }))
    }
}
