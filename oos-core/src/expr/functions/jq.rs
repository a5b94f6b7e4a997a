//! `Fn::Jq` (template-language 4.3).

use super::{FunctionContext, args};
use crate::{Value, expr::ExprError};

/// `["First" | "All", program, input]`.
pub(super) fn jq(argument: &Value, ctx: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let [method, program, input] = args::exactly(argument)?;
    let all = match method.as_str() {
        Some("First") => false,
        Some("All") => true,
        _ => return Err(ExprError::function("argument 1 must be `First` or `All`")),
    };
    let program = program.as_str().ok_or_else(|| ExprError::function("argument 2 must be the text of a jq program"))?;
    let input = input_of(&input)?;
    let program = ctx.selectors.program(program).map_err(|e| ExprError::function(e.to_string()))?;
    let results = program.run(&input, ctx.limits).map_err(|e| ExprError::function(e.to_string()))?;
    Ok(if all { Value::from(results) } else { results.into_iter().next().unwrap_or_default() })
}

/// Text that starts like a JSON list or map is parsed and must be one; any other text is a jq string.
fn input_of(input: &Value) -> Result<Value, ExprError> {
    match input.parsed_if_json_text() {
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            Err(ExprError::function("argument 3 starts like JSON but is no valid JSON"))
        }
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_parsed_only_when_it_starts_like_json() {
        assert_eq!(input_of(&Value::from("1.10")).unwrap(), Value::from("1.10"));
        assert_eq!(input_of(&Value::from(" {\"\": \"\"}")).unwrap().to_string(), r#"{"":""}"#);
        assert!(input_of(&Value::from("{\"a\": \"b\"c\"}")).is_err());
    }
}
