//! What a run was allowed to do by the permissions that are told before it, and what it did.
//!
//! The permissions come from the plan and the values alone. A call that they do not name is a hole in them; where a
//! template keeps something open until it runs, nothing is said.

use oos_core::{
    Template, TemplateName, Value,
    analysis::{PermissionOptions, permissions_with, used},
};
use oos_testkit::prelude::*;

/// The permissions that the calls of a run needed and that the analysis did not tell, resources included; `None` when
/// the analysis says itself that something is open.
pub(crate) fn untold(bed: &TestBed, name: &str, template: &Template, values: &Value) -> Option<Vec<String>> {
    let options = PermissionOptions {
        parameters: values.clone(),
        resources: true,
        variables: params! { "RegionId" => "cn-hangzhou" },
        ..PermissionOptions::default()
    };
    let (engine, name, asked, template) =
        (bed.engine().clone(), TemplateName::new(name), options.clone(), template.clone());
    let linked = bed.block_on(async move { engine.linked_with(&template, Some(name), &asked).await });
    let (plan, plans) = linked.ok()?;
    let told = permissions_with(&plan, &plans, &options);
    if !told.unresolved.is_empty() {
        return None;
    }
    let calls = bed.cloud().calls().when(|call| call.origin.execution.is_some());
    let (roles, calls): (Vec<_>, Vec<_>) = calls.iter().partition(|call| &*call.api == "AssumeRole");
    let needed = used(calls.into_iter().map(|call| {
        let resources = call.needs.iter().map(|need| need.resource.clone()).collect();
        (call.service.to_string(), call.api.to_string(), resources)
    }));
    // Roles are assumed by who runs the engine; names of roles are told in small letters.
    let assumed = used(roles.into_iter().map(|call| {
        let role = call.params.at(&["RoleArn"]).to_text().to_ascii_lowercase();
        (call.service.to_string(), call.api.to_string(), vec![role])
    }));
    let parts = [needed.covered_by(&told.policy()), assumed.covered_by(&told.caller_policy())];
    let untold = parts.iter().flat_map(|part| part.missing.iter().chain(&part.partial));
    Some(untold.map(|need| format!("{} on {}", need.action, need.resource)).collect())
}
