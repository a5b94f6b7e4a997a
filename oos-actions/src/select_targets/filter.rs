//! One filter of `ACS::SelectTargets`: what is selected, where, and with which further request parameters.

use oos_core::{
    Map, Value,
    ports::{ActionError, ActionErrorKind},
};

use crate::{
    failure::Failure,
    properties::{Properties, missing, wrong},
    tags::{self, WantedTag},
};

pub(super) const UNKNOWN_TARGETS: Failure = Failure::new(
    ActionErrorKind::Unsupported,
    "UnsupportedTargetType",
    "a filter's Type is none that the action knows",
);

/// What a filter selects.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Selection {
    Ids(Vec<String>),
    /// Pairs as they are sent: several keys are joined by AND.
    Tags(Vec<WantedTag>),
    Group(String),
    All,
}

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Filter {
    pub(super) selection: Selection,
    pub(super) region: Option<String>,
    /// Further request parameters, e.g. Status.
    pub(super) parameters: Map,
}

/// Reads a filter, or JSON text of one. CHOICE: null and the empty text select nothing; a parameter of the kind
/// Targets that nobody filled in looks like that (actions.md 14.1).
pub(super) fn parse(value: &Value, region: Option<&str>) -> Result<Option<Filter>, ActionError> {
    let value = value.parsed_if_json_text();
    match &value {
        Value::Null => return Ok(None),
        Value::String(text) if text.is_empty() => return Ok(None),
        Value::Map(_) => {}
        _ => return Err(wrong("Filters", "a list of maps")),
    }
    let filter = Properties(&value);
    let mut parameters = filter.map("Parameters")?.unwrap_or_default();
    let inner = parameters.remove("RegionId").map(|v| v.to_text().to_string()).filter(|r| !r.is_empty());
    let region = filter.text("RegionId")?.or(inner).or_else(|| region.map(str::to_owned));
    Ok(Some(Filter { selection: selection(filter)?, region, parameters }))
}

fn selection(filter: Properties<'_>) -> Result<Selection, ActionError> {
    let kind = match filter.text("Type")? {
        Some(kind) => kind,
        None => guess(filter)?.to_owned(),
    };
    match kind.to_ascii_lowercase().as_str() {
        "resourceids" | "resourceid" => Ok(Selection::Ids(ids(filter)?)),
        "tags" | "tag" => tags::wanted(filter, "Tags").map(Selection::Tags),
        "all" => Ok(Selection::All),
        "resourcegroup" | "resourcegroupid" => {
            filter.text("ResourceGroupId")?.map(Selection::Group).ok_or_else(|| missing("ResourceGroupId"))
        }
        _ => Err(UNKNOWN_TARGETS.error(format_args!("targets of the type `{kind}` are not supported"))),
    }
}

/// CHOICE: without `Type` the keys tell (actions.md 14.1).
fn guess(filter: Properties<'_>) -> Result<&'static str, ActionError> {
    ["ResourceIds", "Tags", "ResourceGroupId"]
        .into_iter()
        .find(|key| filter.get(key).is_some())
        .ok_or_else(|| missing("Filters.Type"))
}

/// Ids in order, each once, without blanks around them.
fn ids(filter: Properties<'_>) -> Result<Vec<String>, ActionError> {
    let mut ids = Vec::new();
    for id in filter.texts("ResourceIds")? {
        if !id.is_empty() && !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use oos_core::params;

    use super::*;

    fn selection_of(value: Value) -> Selection {
        parse(&value, None).unwrap().unwrap().selection
    }

    #[test]
    fn the_type_or_the_keys_tell_what_is_selected() {
        let ids = params! { "ResourceIds" => [" i-1 ", "i-2", "i-1"], "RegionId" => "cn-beijing" };
        assert_eq!(selection_of(ids), Selection::Ids(vec!["i-1".into(), "i-2".into()]));
        let tags = params! { "Tags" => [params! { "Key" => "env", "Value" => "prod" }] };
        assert_eq!(selection_of(tags), Selection::Tags(vec![("env".into(), Some("prod".into()))]));
        assert_eq!(selection_of(params! { "Type" => "All" }), Selection::All);
        assert_eq!(
            selection_of(params! { "Type" => "ResourceGroup", "ResourceGroupId" => "rg-1" }),
            Selection::Group("rg-1".into())
        );
        let text = Value::from(r#"{"Type":"ResourceIds","ResourceIds":["i-1"]}"#);
        assert_eq!(selection_of(text), Selection::Ids(vec!["i-1".into()]));
    }

    #[test]
    fn an_unset_target_selects_nothing() {
        let unset =
            params! { "Type" => "ResourceIds", "ResourceIds" => Value::empty_list(), "RegionId" => "cn-hangzhou" };
        assert_eq!(selection_of(unset), Selection::Ids(Vec::new()));
        assert_eq!(parse(&Value::Null, None), Ok(None));
        assert_eq!(parse(&Value::from(""), None), Ok(None));
    }

    #[test]
    fn the_region_of_the_filter_wins() {
        let region = |value: Value| parse(&value, Some("cn-hangzhou")).unwrap().unwrap().region;
        assert_eq!(region(params! { "Type" => "All", "RegionId" => "cn-beijing" }).as_deref(), Some("cn-beijing"));
        let inner =
            params! { "Type" => "All", "Parameters" => params! { "RegionId" => "cn-shanghai", "Status" => "Running" } };
        let filter = parse(&inner, Some("cn-hangzhou")).unwrap().unwrap();
        assert_eq!((filter.region.as_deref(), filter.parameters.len()), (Some("cn-shanghai"), 1));
        assert_eq!(region(params! { "Type" => "All" }).as_deref(), Some("cn-hangzhou"));
    }

    #[test]
    fn what_cannot_be_selected_is_said() {
        let error = |value: Value| parse(&value, None).unwrap_err().to_string();
        assert_eq!(
            error(params! { "Type" => "Inventory" }),
            "UnsupportedTargetType: targets of the type `Inventory` are not supported"
        );
        assert_eq!(
            error(params! { "Type" => "ApplicationGroup" }),
            "UnsupportedTargetType: targets of the type `ApplicationGroup` are not supported"
        );
        assert_eq!(
            error(params! { "RegionId" => "cn-beijing" }),
            "InvalidProperty: property `Filters.Type` is missing"
        );
        assert_eq!(error(Value::Int(1)), "InvalidProperty: property `Filters` must be a list of maps");
    }
}
