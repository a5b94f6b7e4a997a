//! What a task gives: its outputs as far as they are known, the values of a loop put together, and the numbers of
//! loops and retries.

use std::time::Duration;

use super::super::{
    evaluate::extract,
    frame::{Frame, Items},
    symbolic::Symbolic,
};
use super::{step::Polls, visit::Looped};
use crate::{
    Value,
    expr::{ExprError, FunctionContext},
    machine::Rate,
    plan::{RetryPolicy, SelectorPlan, TaskKind, TaskPlan},
    ports::action::RetryRule,
};

/// How a step asks again; `None` when it does not, or when its retry settings are not known.
pub(super) fn polls(frame: &Frame<'_>, task: &TaskPlan) -> Option<Polls> {
    let (default_retries, in_property) = match task.retry.rule {
        RetryRule::None => return None,
        RetryRule::Task { default_retries } => (default_retries, false),
        RetryRule::Property { default_retries, .. } => (default_retries, true),
    };
    let keys = frame.evaluate(&task.retry.keys).ok()?;
    let keys = keys.known()?;
    if in_property && keys.is_null() {
        return None;
    }
    let policy = RetryPolicy::from_keys(keys, default_retries);
    let longest: Duration = (1..=policy.retries).map(|n| policy.interval(n)).sum();
    (policy.retries > 0).then_some(Polls { attempts: policy.retries + 1, longest })
}

/// Sizes of the batches of a loop over `n` items.
pub(super) fn batches(rate: &Rate, n: usize) -> Vec<u32> {
    let mut left = u32::try_from(n).unwrap_or(u32::MAX);
    let mut sizes = Vec::new();
    while left > 0
        && let Some(size) = rate.batch_size(sizes.len())
    {
        let size = size.clamp(1, left);
        sizes.push(size);
        left -= size;
    }
    sizes
}

/// Items at once: of each batch, or of the whole loop.
pub(super) fn windows(rate: &Rate, batches: &[u32]) -> Vec<u32> {
    match batches {
        [] => vec![rate.window(0)],
        sizes => sizes.iter().enumerate().map(|(i, size)| rate.window(i).min(*size)).collect(),
    }
}

/// The declared outputs of a task, out of its result document as far as that is known.
pub(super) fn outputs(
    frame: &Frame<'_>,
    task: &TaskPlan,
    document: Option<&Symbolic>,
) -> Result<Vec<Symbolic>, ExprError> {
    let inner = matches!(task.kind, TaskKind::LoopTasks(_));
    let mut values = Vec::with_capacity(task.outputs.len());
    for output in &task.outputs {
        let origin = format!("{}.{}", task.name, output.name);
        values.push(match (document, &output.selector) {
            (Some(document), _) if inner => document.member(output.name.as_str()),
            (Some(document), SelectorPlan::Fixed(selector)) => {
                extract(document, selector, output.value_type, &origin, &frame.facts.limits)?
            }
            (_, SelectorPlan::Value(expr)) => match frame.evaluate(expr) {
                Ok(value) if value.is_null() => Symbolic::unknown(&origin),
                Ok(value) => value,
                Err(_) => Symbolic::unknown(&origin),
            },
            _ => Symbolic::unknown(&origin),
        });
    }
    Ok(values)
}

/// What a loop gives for an output whose value of any item is `value`; `None` when it is not known.
pub(super) fn aggregate(
    frame: &Frame<'_>,
    task: &TaskPlan,
    function: &crate::expr::Function,
    value: &Symbolic,
    looped: &Looped,
) -> Option<Symbolic> {
    let Items::Exact(items) = &looped.items else { return None };
    let surely_all = looped.rate.as_ref().is_some_and(|r| r.max_errors == 0) && !task.when_per_item;
    if !items.is_empty() && !surely_all {
        return None;
    }
    let facts = frame.facts;
    let ctx =
        FunctionContext { now: facts.now.unwrap_or_default(), limits: &facts.limits, selectors: &facts.selectors };
    let values = |value: &Value| vec![value.clone(); items.len()];
    match value.known() {
        _ if items.is_empty() => function.aggregate(&[], &ctx).ok().map(Symbolic::Known),
        Some(known) => function.aggregate(&values(known), &ctx).ok().map(Symbolic::Known),
        None if &*function.name == "Fn::ListJoin" => Some(Symbolic::list(vec![value.clone(); items.len()])),
        None => None,
    }
}
