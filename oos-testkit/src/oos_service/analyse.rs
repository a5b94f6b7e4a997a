//! What a template would do: permissions, high-risk calls; and the actions that there are.

use std::sync::Arc;

use oos_core::{
    ActionName, TemplateName, Value,
    analysis::{Policy, permissions, risks},
    params,
    plan::{Plan, PlanSet},
    ports::{
        ApiError,
        action::{ActionCatalog, ActionClass, Signature},
    },
};

use super::{LONG_PAGES, OosService, engine_error, error_with, execution::Chosen};
use crate::cloud::{page::page, params::Params, ram};

impl OosService {
    async fn linked(&self, chosen: Chosen) -> Result<(Arc<Plan>, PlanSet), ApiError> {
        let name = Some(TemplateName::new(chosen.name));
        self.0.engine.linked(&chosen.template, name).await.map_err(engine_error)
    }

    /// GenerateExecutionPolicy; what is missing is told of the role that is named, of the caller nothing is.
    pub(super) async fn policy(&self, p: &Params) -> Result<Value, ApiError> {
        let chosen = self.chosen(p).await?;
        let (plan, plans) = self.linked(chosen).await?;
        let needed = permissions(&plan, &plans);
        let missing = match p.str("RamRole") {
            None => Policy::default(),
            Some(role) => {
                let documents = self.0.cloud.with(|state| ram::role_documents(state, &role));
                let documents = documents.ok_or_else(|| {
                    ApiError::service("EntityNotExists.Role", 404, format!("The role `{role}` does not exist."))
                })?;
                let mut granted = Policy::default();
                for document in documents {
                    let parsed = Policy::parse(&document.to_string());
                    granted
                        .statements
                        .extend(parsed.map_err(|e| error_with("InvalidPolicy", e.to_string()))?.statements);
                }
                needed.covered_by(&granted).to_policy()
            }
        };
        Ok(params! {
            "Policy" => needed.policy().to_value().to_string(), "MissingPolicy" => missing.to_missing_policy(),
        })
    }

    pub(super) async fn risky_tasks(&self, p: &Params) -> Result<Value, ApiError> {
        let (plan, plans) = self.linked(self.chosen(p).await?).await?;
        Ok(params! { "RiskyTasks" => risks(&plan, &plans, self.0.engine.risk_policy()).to_value() })
    }

    /// ListActions, by name.
    pub(super) fn list_actions(&self, p: &Params) -> Result<Value, ApiError> {
        let part = p.text("OOSActionName").to_lowercase();
        let registry = self.0.engine.actions();
        let names = registry.names().into_iter().filter(|name| name.as_str().to_lowercase().contains(&part)).collect();
        let (names, mut fields) = page(p, names, LONG_PAGES)?;
        let row = |name: ActionName| registry.signature(&name).map(|signature| shown(&signature));
        fields.insert("Actions", names.into_iter().filter_map(row).collect::<Value>());
        Ok(Value::from(fields))
    }
}

fn shown(signature: &Signature) -> Value {
    let code = || signature.name.as_str().split("::").nth(1).unwrap_or_default().to_uppercase();
    let kind = match signature.class {
        ActionClass::Trigger => "Atomic.Trigger".to_owned(),
        ActionClass::Control => "Atomic.Control".to_owned(),
        ActionClass::Embedded => "Atomic.Embedded".to_owned(),
        ActionClass::Product => format!("Product.{}", code()),
        // CHOICE: an action of the embedder is work like any other.
        _ => "Atomic.API".to_owned(),
    };
    let properties = signature.properties.iter().map(|property| {
        let types = property.types.iter().map(|t| Value::from(t.as_str())).collect::<Value>();
        let shown = params! {
            "Type" => types, "Required" => property.required, "Default" => property.default.clone(),
            "AllowedValues" => property.allowed.clone(), "Description" => property.description.clone(),
        };
        (property.name.clone(), shown)
    });
    let mut row = oos_core::Map::new();
    row.insert("OOSActionName", &signature.name);
    row.insert("ActionType", kind);
    row.insert("Description", signature.description.clone());
    row.insert("Properties", Value::from(properties.collect::<oos_core::Map>()).to_string());
    if signature.class == ActionClass::Product {
        row.insert("TemplateVersion", "v1");
        row.insert("Popularity", 1);
    }
    Value::from(row)
}
