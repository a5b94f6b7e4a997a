//! `Fn::FindMatchedPackage`: the package of a template of packages that fits a machine (template-language 4.4).
//!
//! Only the service can do it, so the language leaves it to the host; a bed is one. The form of such templates is not
//! published.

use oos_core::{
    Map, Value,
    expr::{ExprError, Function, FunctionContext, Kind},
};

/// Members that every entry has, and by which a list of entries is known.
const SCRIPTS: [&str; 3] = ["InstallScript", "UninstallScript", "OutputScript"];
/// Members that say where the files of an entry lie.
const PLACE: [&str; 2] = ["BucketName", "ObjectName"];

/// The function as a bed registers it.
pub(super) fn function() -> Function {
    Function {
        name: "Fn::FindMatchedPackage".into(),
        arity: Some((2, 2)),
        kind: Kind::Strict(find_matched),
        aggregates: false,
    }
}

/// The entry of `[content, guest]` that fits; an empty map when none does. Both are maps or JSON or YAML text of maps.
fn find_matched(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let Some([content, guest]) = argument.as_list() else {
        return Err(ExprError::new("InvalidArgument", "it takes the content of a template and what a machine told"));
    };
    let (content, guest) = (document(content), document(guest));
    let found = entries(&content).into_iter().find(|entry| fits(entry, &guest));
    Ok(Value::from(found.map(with_all_members).unwrap_or_default()))
}

fn document(value: &Value) -> Value {
    let Some(text) = value.as_str() else { return value.clone() };
    // JSON is YAML too.
    serde_yaml::from_str::<serde_json::Value>(text).map_or(Value::Null, Value::from)
}

/// CHOICE: the entries are the first list of maps with a script in them, wherever it stands; a document with a script
/// of its own is the only entry.
fn entries(content: &Value) -> Vec<Map> {
    let has_script = |map: &Map| SCRIPTS.iter().any(|name| map.get_folded(name).is_some());
    match content {
        Value::Map(map) if has_script(map) => vec![(**map).clone()],
        Value::Map(map) => map.values().map(entries).find(|found| !found.is_empty()).unwrap_or_default(),
        Value::List(list) => list.iter().flat_map(entries).collect(),
        _ => Vec::new(),
    }
}

/// CHOICE: an entry fits when each of its members that the machine told too is the same, or has it in a list, without
/// regard to case; what only one of them has says nothing. `*` and an empty text fit all.
fn fits(entry: &Map, guest: &Value) -> bool {
    let Some(guest) = guest.as_map() else { return true };
    let agrees = |wanted: &Value, told: &Value| {
        let (wanted, told) = (wanted.to_text(), told.to_text());
        wanted.is_empty() || &*wanted == "*" || wanted.eq_ignore_ascii_case(&told)
    };
    entry.iter().all(|(name, wanted)| match (guest.get_folded(name), wanted) {
        (None, _) => true,
        (Some((_, told)), Value::List(any)) => any.iter().any(|one| agrees(one, told)),
        (Some((_, told)), one) => agrees(one, told),
    })
}

/// The entry in the spelling of the language, with empty texts for what it lacks.
fn with_all_members(entry: Map) -> Map {
    let known = SCRIPTS.iter().chain(&PLACE);
    let own = known.clone().map(|name| {
        let value = entry.get_folded(name).map_or_else(|| Value::from(""), |(_, v)| v.clone());
        ((*name).into(), value)
    });
    let others = entry.iter().filter(|(key, _)| known.clone().all(|name| !name.eq_ignore_ascii_case(key)));
    own.chain(others.map(|(k, v)| (k.clone(), v.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use oos_core::{Limits, Timestamp, params, selector::SelectorCache};

    use super::*;

    const CONTENT: &str = "
FormatVersion: any
Description: {en: packages}
Packages:
  - {platform: [CentOS, Aliyun], Architecture: x86_64, InstallScript: one, BucketName: b, ObjectName: o}
  - {Platform: '*', Architecture: arm64, InstallScript: two}
";

    fn found(guest: impl Into<Value>) -> Value {
        let (limits, selectors) = (Limits::default(), SelectorCache::default());
        let ctx = FunctionContext { now: Timestamp::from_millis(0), limits: &limits, selectors: &selectors };
        find_matched(&Value::from(vec![Value::from(CONTENT), guest.into()]), &ctx).unwrap()
    }

    #[test]
    fn the_first_entry_that_agrees_with_the_machine_is_taken() {
        let script = |guest: Value| found(guest).at(&["InstallScript"]).to_text().to_string();
        assert_eq!(script(params! { "Platform" => "aliyun", "Architecture" => "x86_64" }), "one");
        assert_eq!(script(params! { "Platform" => "aliyun", "Architecture" => "arm64" }), "two");
        assert_eq!(script(Value::from(r#"{"architecture": "arm64", "Other": 1}"#)), "two");
        assert_eq!(script(Value::Null), "one");
        assert_eq!(found(params! { "Architecture" => "mips" }), Value::empty_map());
    }

    #[test]
    fn an_entry_has_all_members_of_the_language() {
        let entry = found(params! { "Architecture" => "arm64" });
        assert_eq!((entry.at(&["OutputScript"]).as_str(), entry.at(&["BucketName"]).as_str()), (Some(""), Some("")));
    }
}
