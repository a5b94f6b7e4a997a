//! Maps: merging, transposing, zipping.

use std::sync::Arc;

use super::{FunctionContext, args};
use crate::{
    Map, Value,
    expr::{ExprError, bound},
};

/// The maps of `[map, map, …]`; null ones, as of tasks that did not run, count as empty.
fn maps(argument: &Value) -> Result<Vec<Arc<Map>>, ExprError> {
    args::list(argument)?.iter().filter(|m| !m.is_null()).map(args::map).collect()
}

/// Shallow; a later key wins and keeps the place of the earlier one.
pub(super) fn merge_map(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let mut merged = Map::new();
    for map in maps(argument)? {
        merged.extend(map.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    Ok(merged.into())
}

/// Transposes maps of lists into a list of maps; a shorter list is padded with its own last element.
pub(super) fn merge_map_to_list(argument: &Value, ctx: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let mut columns: Vec<(Arc<str>, Arc<Vec<Value>>)> = Vec::new();
    for map in maps(argument)? {
        columns.extend(map.iter().map(|(key, value)| (key.clone(), column(value))));
    }
    let rows = columns.iter().map(|(_, column)| column.len()).max().unwrap_or(0);
    bound::check_count(rows.saturating_mul(columns.len() * 2 + 1), ctx.limits.value_bytes)?;
    let cell = |column: &[Value], row: usize| column.get(row).or(column.last()).cloned().unwrap_or_default();
    let row = |row| columns.iter().map(|(key, column)| (key.clone(), cell(column, row))).collect::<Map>();
    Ok((0..rows).map(|r| Value::from(row(r))).collect())
}

/// A scalar is a list of one. CHOICE: null is an empty list, so a column that a skipped task left out adds no row.
fn column(value: &Value) -> Arc<Vec<Value>> {
    match value.parsed_if_json_text() {
        Value::List(list) => list,
        Value::Null => Arc::default(),
        _ => Arc::new(vec![value.clone()]),
    }
}

/// `[keys, values]` zipped.
pub(super) fn map_join(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let [keys, values] = args::exactly(argument)?;
    let (keys, values) = (args::list_or_null(&keys)?, args::list_or_null(&values)?);
    if keys.len() != values.len() {
        let message = format!("{} keys do not fit {} values", keys.len(), values.len());
        return Err(ExprError::function(message));
    }
    let keys: Vec<Arc<str>> = keys.iter().map(args::scalar_text).collect::<Result<_, _>>()?;
    Ok(Value::from(keys.into_iter().zip(values.iter().cloned()).collect::<Map>()))
}

/// `[map]`, or the map itself, as a list of `Key` and `Value`.
pub(super) fn convert_map_to_list(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let map = match argument.parsed_if_json_text().as_list() {
        Some([one]) => one.clone(),
        Some(list) => return Err(args::wrong_count(1, list.len())),
        None => argument.clone(),
    };
    if map.is_null() {
        return Ok(Value::empty_list());
    }
    let pair = |(key, value): (&Arc<str>, &Value)| {
        Value::from([("Key", Value::from(key.clone())), ("Value", value.clone())].into_iter().collect::<Map>())
    };
    Ok(args::map(&map)?.iter().map(pair).collect())
}
