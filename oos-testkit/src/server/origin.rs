//! Which step of which execution makes a call: no real client tells, but a test may, so that the call log of a cloud
//! behind a socket can be asked by task as that of a cloud in memory can.

use oos_core::{
    Value,
    catalogue::{decode, encode},
    params,
    ports::api::Origin,
};

/// A header that is neither signed nor needed.
pub const ORIGIN_HEADER: &str = "x-testkit-origin";

/// Its value.
pub fn origin_header(origin: &Origin) -> String {
    let number = |item: Option<u32>| item.map_or(Value::Null, |n| Value::Int(n.into()));
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let parents = origin.parents.iter().map(|(task, item)| params! { "t" => task.as_str(), "i" => number(*item) });
    let value = params! {
        "e" => text(origin.execution.as_ref().map(|id| id.as_str())), "t" => text(origin.task.as_ref().map(|t| t.as_str())),
        "i" => number(origin.item), "p" => parents.collect::<Value>(),
    };
    encode(&value.to_string(), b"")
}

/// Reads it back; what cannot be read is nobody.
pub(crate) fn read(header: &str) -> Origin {
    let value = Value::from_json_str(&decode(header)).unwrap_or_default();
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |value: &Value| value.get("i").and_then(Value::as_i64).and_then(|n| u32::try_from(n).ok());
    let parents = value.get("p").and_then(Value::as_list).unwrap_or_default();
    Origin {
        execution: text(&value, "e").map(|id| id.as_str().into()),
        task: text(&value, "t").map(|task| task.as_str().into()),
        item: number(&value),
        parents: parents.iter().filter_map(|p| Some((text(p, "t")?.as_str().into(), number(p)))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_comes_back() {
        let origin = Origin {
            execution: Some("exec-1.2".into()),
            task: Some("启动".into()),
            item: Some(3),
            parents: vec![("outer".into(), None), ("inner".into(), Some(2))],
        };
        let header = origin_header(&origin);
        assert!(header.is_ascii());
        assert_eq!(read(&header), origin);
        assert_eq!(read("nonsense"), Origin::default());
    }
}
