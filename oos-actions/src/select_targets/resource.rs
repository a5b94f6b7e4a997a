//! The resource types of `ACS::SelectTargets`: which API lists them, how ids and tags travel, and the shape of the
//! result (actions.md 14.2).
//!
//! The result has `Instances.Instance[]` with InstanceId, InstanceName, RegionId and Status for every type, and the
//! original list beside it, so that both kinds of selector work.

use oos_core::{
    Map, Value, params,
    ports::{ActionError, ActionErrorKind, action::ApiUse},
};

use super::filter::Selection;
use crate::{failure::Failure, tags::WantedTag};

pub(super) const UNKNOWN_RESOURCES: Failure =
    Failure::new(ActionErrorKind::Unsupported, "UnsupportedResourceType", "ResourceType is none that the action knows");

/// How ids travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ids {
    /// `Name` with the ids as JSON text.
    JsonText,
    /// `Name.N`.
    Repeated,
    /// `Name` with the ids joined by commas.
    CommaText,
    /// `Name` with the only id of the call.
    Single,
    /// `Filter.N` with the field's name and the ids as values.
    Filter,
}

/// How tags travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tags {
    /// `Tag.N.Key` and `Tag.N.Value`.
    Repeated,
    /// `Tags` as JSON text of a map.
    JsonText,
}

/// A resource type.
#[derive(Debug)]
pub(super) struct Resource {
    name: &'static str,
    pub(super) service: &'static str,
    pub(super) api: &'static str,
    /// Where the list stands in the answer.
    pub(super) list: &'static [&'static str],
    ids: (Ids, &'static str),
    tags: Tags,
    /// Ids of one call.
    pub(super) chunk: usize,
    /// Name and value of the largest page.
    pub(super) page: (&'static str, i64),
    /// Fields of id, name and status.
    fields: [&'static str; 3],
    /// True when the original list stays in the result beside the normalised one.
    keeps_list: bool,
}

// CHOICE: the largest pages and the number of ids of one call are those of the API pages where they are told, the
// smallest of their kin where not; the selectors of official templates decide the shapes.
const RESOURCES: [Resource; 6] = [
    Resource {
        name: "ALIYUN::ECS::Instance",
        service: "ECS",
        api: "DescribeInstances",
        list: &["Instances", "Instance"],
        ids: (Ids::JsonText, "InstanceIds"),
        tags: Tags::Repeated,
        chunk: 100,
        page: ("MaxResults", 100),
        fields: ["InstanceId", "InstanceName", "Status"],
        keeps_list: false,
    },
    Resource {
        name: "ALIYUN::ECS::ManagedInstance",
        service: "ECS",
        api: "DescribeManagedInstances",
        list: &["Instances"],
        ids: (Ids::Repeated, "InstanceId"),
        tags: Tags::Repeated,
        chunk: 50,
        page: ("MaxResults", 50),
        fields: ["InstanceId", "InstanceName", "Status"],
        keeps_list: false,
    },
    Resource {
        name: "ALIYUN::ECD::Desktop",
        service: "ECD",
        api: "DescribeDesktops",
        list: &["Desktops"],
        ids: (Ids::Repeated, "DesktopId"),
        tags: Tags::Repeated,
        chunk: 100,
        page: ("MaxResults", 100),
        fields: ["DesktopId", "DesktopName", "DesktopStatus"],
        keeps_list: true,
    },
    Resource {
        name: "ALIYUN::RDS::Instance",
        service: "RDS",
        api: "DescribeDBInstances",
        list: &["Items", "DBInstance"],
        ids: (Ids::Single, "DBInstanceId"),
        tags: Tags::JsonText,
        chunk: 1,
        page: ("MaxResults", 100),
        fields: ["DBInstanceId", "DBInstanceDescription", "DBInstanceStatus"],
        keeps_list: true,
    },
    Resource {
        name: "ALIYUN::Redis::Instance",
        service: "R-KVSTORE",
        api: "DescribeInstances",
        list: &["Instances", "KVStoreInstance"],
        ids: (Ids::CommaText, "InstanceIds"),
        tags: Tags::Repeated,
        chunk: 30,
        page: ("PageSize", 50),
        fields: ["InstanceId", "InstanceName", "InstanceStatus"],
        keeps_list: true,
    },
    Resource {
        name: "ALIYUN::ComputeNestSupplier::Instance",
        service: "ComputeNestSupplier",
        api: "ListServiceInstances",
        list: &["ServiceInstances"],
        ids: (Ids::Filter, "ServiceInstanceId"),
        tags: Tags::Repeated,
        chunk: 100,
        page: ("MaxResults", 100),
        fields: ["ServiceInstanceId", "Name", "Status"],
        keeps_list: true,
    },
];

/// The resource type of that name, case ignored.
pub(super) fn find(name: &str) -> Result<&'static Resource, ActionError> {
    RESOURCES.iter().find(|resource| resource.name.eq_ignore_ascii_case(name.trim())).ok_or_else(|| {
        let known: Vec<_> = RESOURCES.iter().map(|resource| resource.name).collect();
        let known = known.join(", ");
        UNKNOWN_RESOURCES.error(format_args!("resources of the type `{name}` cannot be selected, only {known}"))
    })
}

/// The call that lists each type.
pub(super) fn calls() -> impl Iterator<Item = ApiUse> {
    RESOURCES.iter().map(|resource| ApiUse::new(resource.service, resource.api).when("ResourceType", resource.name))
}

impl Resource {
    /// Request parameters for some ids, at most a chunk.
    pub(super) fn by_ids(&self, ids: &[String]) -> Map {
        let list = || Value::from(ids.to_vec());
        let (how, name) = self.ids;
        let value = match how {
            Ids::JsonText => Value::from(list().to_string()),
            Ids::Repeated => list(),
            Ids::CommaText | Ids::Single => Value::from(ids.join(",")),
            Ids::Filter => {
                let filter = params! { "Name" => name, "Value" => list() };
                return [("Filter", Value::from(vec![filter]))].into_iter().collect();
            }
        };
        [(name, value)].into_iter().collect()
    }

    /// Request parameters for anything but ids; `None` when nothing is selected.
    pub(super) fn by_selection(&self, selection: &Selection) -> Option<Map> {
        match selection {
            Selection::Ids(_) => None,
            Selection::All => Some(Map::new()),
            Selection::Group(id) => Some([("ResourceGroupId", id)].into_iter().collect()),
            Selection::Tags(tags) if tags.is_empty() => None,
            Selection::Tags(tags) => Some(self.by_tags(tags)),
        }
    }

    fn by_tags(&self, tags: &[WantedTag]) -> Map {
        match self.tags {
            Tags::Repeated => {
                let pair = |(key, value): &WantedTag| match value {
                    Some(value) => params! { "Key" => key, "Value" => value },
                    None => params! { "Key" => key },
                };
                let pairs: Value = tags.iter().map(pair).collect();
                [("Tag", pairs)].into_iter().collect()
            }
            Tags::JsonText => {
                let text = |value: &Option<String>| value.clone().unwrap_or_default();
                let map: Map = tags.iter().map(|(key, value)| (key.as_str(), text(value))).collect();
                [("Tags", Value::from(map).to_string())].into_iter().collect()
            }
        }
    }

    /// The id of a normalised object.
    pub(super) fn id_of(&self, object: &Value) -> String {
        object.at(&["InstanceId"]).to_text().to_string()
    }

    /// The object with InstanceId, InstanceName, RegionId and Status beside its own fields.
    pub(super) fn normalise(&self, object: &Value, region: Option<&str>) -> Value {
        let mut map = object.as_map().cloned().unwrap_or_default();
        let [id, name, status] = self.fields;
        for (common, own) in [("InstanceId", id), ("InstanceName", name), ("Status", status)] {
            if let Some(value) = map.get(own).cloned().filter(|_| !map.contains_key(common)) {
                map.insert(common, value);
            }
        }
        if let Some(region) = region.filter(|_| !map.contains_key("RegionId")) {
            map.insert("RegionId", region);
        }
        map.into()
    }

    /// The result document.
    pub(super) fn document(&self, objects: Vec<Value>) -> Value {
        let objects = Value::from(objects);
        let mut document = Map::new();
        document.insert("Instances", params! { "Instance" => objects.clone() });
        if let [outer, inner @ ..] = self.list
            && self.keeps_list
        {
            let nested = match inner.first() {
                None => objects,
                Some(inner) => {
                    let mut members = document.get(outer).and_then(Value::as_map).cloned().unwrap_or_default();
                    members.insert(*inner, objects);
                    members.into()
                }
            };
            document.insert(*outer, nested);
        }
        document.into()
    }
}
