//! JSON Schema of the template language.
pub(super) fn json_schema() -> serde_json::Value {
    serde_json::Value::Null
}
