//! What there is in a fake cloud, as one value: to compare two clouds whose templates should have done the same.

use oos_core::{Value, params};

use super::FakeCloud;

impl FakeCloud {
    /// Everything that exists now, ordered by kind and id: `Kind`, `Id`, `Region`, `Tags` and `Data` of each resource,
    /// and the commands that Cloud Assistant was given.
    pub fn inventory(&self) -> Vec<Value> {
        self.with(|state| {
            let resources = state.store.everything().map(|(kind, resource)| {
                params! {
                    "Kind" => kind, "Id" => resource.id.clone(), "Region" => resource.region.clone(),
                    "Tags" => resource.tags_view(), "Data" => resource.view(),
                }
            });
            let invocations = state.assistant.invocations.values().map(|invocation| {
                let targets: Value = invocation.runs.iter().map(|run| Value::from(run.instance.clone())).collect();
                params! {
                    "Kind" => "Invocation", "Id" => invocation.id.clone(), "Region" => invocation.region.clone(),
                    "Data" => params! { "Content" => invocation.command.content.as_str(), "Instances" => targets },
                }
            });
            resources.chain(invocations).collect()
        })
    }
}
