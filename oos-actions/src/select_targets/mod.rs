//! `ACS::SelectTargets`: a description of targets becomes a list of resources (page "ACS::SelectTargets").
//!
//! Each filter becomes list calls of the resource type's API, all pages of them; the answers are joined in order, the
//! first occurrence of a resource wins. A filter that names nothing selects nothing, never everything. The console's
//! own filters (metadata of the parameter) are not applied, and there is no limit here: the loop behind has one.

mod filter;
mod resource;

use async_trait::async_trait;
use oos_core::{
    ActionName, Map, Value,
    catalogue::call_all_pages,
    expr::drop_nulls,
    ports::{
        Action, ActionContext, ActionError, Outcome,
        action::{ActionClass, ApiUse, Property, ResultMember, Signature},
    },
    template::ValueType,
};

use crate::{
    failure::{self, TOO_MANY_PAGES},
    properties::{Properties, missing, wrong},
    signature,
};
use filter::{Filter, Selection};
use resource::Resource;

static NAME: signature::StaticName = signature::StaticName::new(|| ActionName::new("ACS::SelectTargets"));

/// `ACS::SelectTargets`. It only reads, so a repeat after a crash changes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct SelectTargets;

#[async_trait]
impl Action for SelectTargets {
    fn name(&self) -> &ActionName {
        &NAME
    }

    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
        let properties = Properties(ctx.raw_properties());
        let resource = resource::find(&properties.required_text("ResourceType")?)?;
        let region = properties.text("RegionId")?.or_else(|| ctx.info().region.as_ref().map(ToString::to_string));
        let filters = properties.list("Filters")?.ok_or_else(|| missing("Filters"))?;
        let filters = filters.iter().filter_map(|f| filter::parse(f, region.as_deref()).transpose());
        let filters = filters.collect::<Result<Vec<_>, _>>()?;
        let mut found = Found::default();
        for filter in &filters {
            found.add(resource, select(&ctx, resource, filter).await?);
        }
        if found.objects.is_empty()
            && filters.iter().any(|f| matches!(&f.selection, Selection::Ids(ids) if !ids.is_empty()))
        {
            ctx.emit("warning: none of the given resources exists");
        }
        Ok(Outcome::Done(resource.document(found.objects)))
    }

    fn signature(&self) -> Signature {
        let text = &[ValueType::String];
        let properties = vec![
            Property::required("ResourceType", text, "type of the resources, e.g. ALIYUN::ECS::Instance"),
            Property::optional("RegionId", text, "region of the resources; the execution's without it"),
            Property::required(
                "Filters",
                &[ValueType::List],
                "filters of Type ResourceIds, Tags, All or ResourceGroup",
            ),
        ];
        let description = "turns a description of targets into resources";
        let signature = signature::closed(&NAME, ActionClass::Control, description, properties).gives([
            ResultMember::new("Instances", &[ValueType::Json], "Instance: the resources, of every type in one shape"),
            signature::document("the list of the API under its own name, except for managed instances"),
        ]);
        // The look-up of application groups, which this action does not offer (service-model 6.3).
        let listed = ApiUse::new("OOS", "GetApplicationGroup").only_listed();
        let signature = signature.calls(resource::calls()).calls([listed]);
        failure::list(signature, &[resource::UNKNOWN_RESOURCES, filter::UNKNOWN_TARGETS, TOO_MANY_PAGES])
    }
}

/// Resources so far, each once.
#[derive(Default)]
struct Found {
    ids: std::collections::BTreeSet<String>,
    objects: Vec<Value>,
}

impl Found {
    fn add(&mut self, resource: &Resource, objects: Vec<Value>) {
        let new = objects.into_iter().filter(|object| self.ids.insert(resource.id_of(object)));
        self.objects.extend(new.collect::<Vec<_>>());
    }
}

/// The resources of one filter: in the order of the ids when ids were given, else in the order of the API.
async fn select(ctx: &ActionContext, resource: &Resource, filter: &Filter) -> Result<Vec<Value>, ActionError> {
    let Selection::Ids(ids) = &filter.selection else {
        let Some(parameters) = resource.by_selection(&filter.selection) else {
            return Ok(Vec::new());
        };
        return list(ctx, resource, filter, parameters).await;
    };
    let mut objects = Vec::new();
    for chunk in ids.chunks(resource.chunk) {
        objects.extend(list(ctx, resource, filter, resource.by_ids(chunk)).await?);
    }
    let place = |object: &Value| ids.iter().position(|id| *id == resource.id_of(object)).unwrap_or(usize::MAX);
    objects.sort_by_key(place);
    Ok(objects)
}

/// One logical list call; objects come back normalised.
async fn list(
    ctx: &ActionContext,
    resource: &Resource,
    filter: &Filter,
    parameters: Map,
) -> Result<Vec<Value>, ActionError> {
    let mut all = filter.parameters.clone();
    all.extend(parameters);
    let (size, count) = resource.page;
    all.insert(size, count);
    if let Some(region) = &filter.region {
        all.insert("RegionId", region);
    }
    let mut request = ctx.request(resource.service, resource.api, drop_nulls(all.into()));
    request.region = filter.region.as_deref().map(Into::into).or(request.region);
    let answer = call_all_pages(&**ctx.api(), request, true).await?;
    let objects = answer.body.at(resource.list);
    let objects = match objects {
        Value::List(objects) => objects.to_vec(),
        Value::Null => Vec::new(),
        _ => return Err(wrong("the answer's list", "a list")),
    };
    Ok(objects.iter().map(|object| resource.normalise(object, filter.region.as_deref())).collect())
}
