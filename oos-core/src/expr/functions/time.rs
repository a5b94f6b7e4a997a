//! Instants and durations.

use super::{FunctionContext, args};
use crate::{
    Timestamp, Value,
    expr::ExprError,
    time::{self, TimeError},
};

const HOUR: f64 = 3_600.0;

fn no_time(error: TimeError) -> ExprError {
    ExprError::function(error.to_string())
}

fn instant(value: &Value) -> Result<Timestamp, ExprError> {
    Timestamp::parse(&args::scalar_text(value)?).map_err(no_time)
}

/// `[utc time, hours]`.
pub(super) fn add_hour(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    add(argument, HOUR)
}

/// `[utc time, seconds]`.
pub(super) fn add_second(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    add(argument, 1.0)
}

fn add(argument: &Value, unit: f64) -> Result<Value, ExprError> {
    let [at, count] = args::exactly(argument)?;
    let seconds = args::number(&count)?.as_f64().unwrap_or(f64::NAN) * unit;
    let out_of_range = || ExprError::function("the result is no representable time");
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and the range is checked next")]
    let moved = instant(&at)?.checked_plus_seconds(seconds.round() as i64);
    moved.filter(|_| seconds.is_finite()).map(|at| at.to_iso().into()).ok_or_else(out_of_range)
}

/// `[utc time, strftime format]`.
pub(super) fn format_utc_time(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let [at, format] = args::exactly(argument)?;
    Ok(Value::from(instant(&at)?.format(&args::scalar_text(&format)?)))
}

/// `[window start, window end]`: now when it lies in the daily window, else the next start. A window may cross
/// midnight. CHOICE: the start belongs to the window, the end does not; with start = end only that very second does.
pub(super) fn calculate_time_by_ops_window(argument: &Value, ctx: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let [start, end] = args::exactly(argument)?;
    let (start, end) = (time_of_day(&start)?, time_of_day(&end)?);
    let now = ctx.now.second_of_day();
    let inside = match start.cmp(&end) {
        std::cmp::Ordering::Less => start <= now && now < end,
        std::cmp::Ordering::Equal => now == start,
        std::cmp::Ordering::Greater => now >= start || now < end,
    };
    let wait = if inside { 0 } else { (start - now).rem_euclid(time::DAY_SECONDS) };
    Ok(Value::from(ctx.now.plus_seconds(wait).to_iso()))
}

fn time_of_day(value: &Value) -> Result<i64, ExprError> {
    time::parse_time_of_day(&args::scalar_text(value)?).map_err(no_time)
}

/// `[from, to]`: two times of day (over midnight when the second is earlier) or two instants (absolute difference).
pub(super) fn duration_between(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let [from, to] = args::exactly(argument)?;
    let seconds = match (time_of_day(&from), time_of_day(&to)) {
        (Ok(from), Ok(to)) => (to - from).rem_euclid(time::DAY_SECONDS),
        (Err(_), Err(_)) => (instant(&to)?.as_millis() - instant(&from)?.as_millis()).abs() / 1000,
        _ => return Err(ExprError::function("one argument is a time of day and the other is not")),
    };
    Ok(Value::from(time::iso_duration(seconds.unsigned_abs())))
}
