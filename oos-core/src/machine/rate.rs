//! Rate control of a loop: windows, error budgets and batches, as pure functions (template-language 6.2-6.5).

use crate::{Value, ports::action::ActionError};

/// `ConcurrencyInBatches` when none is given.
const CONCURRENCY_IN_BATCHES: u32 = 20;

/// When a loop pauses between batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum PauseOption {
    /// Never.
    #[default]
    Automatic,
    /// After the first batch.
    FirstBatchPause,
    /// After every batch.
    EveryBatchPause,
}

/// Evaluated rate control of a loop over `n` items.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rate {
    /// Items in flight at most, by batch; one entry without batches, the last repeats.
    pub windows: Vec<u32>,
    /// Failures that are still a success.
    pub max_errors: u32,
    /// Sizes of batches; empty without batches, the last repeats.
    pub batches: Vec<u32>,
    /// When to pause.
    pub pause: PauseOption,
}

impl Rate {
    /// Reads a `RateControl` map (or null) for a loop over `n` items.
    ///
    /// # Errors
    /// `InvalidLoop` when a key is malformed.
    pub fn read(rate: &Value, n: usize, old_form: bool) -> Result<Self, ActionError> {
        let count = u32::try_from(n).unwrap_or(u32::MAX);
        let rate = rate.parsed_if_json_text();
        let mode = text(&rate, "Mode").unwrap_or_else(|| "Concurrency".into());
        let pause = match text(&rate, "BatchPauseOption") {
            Some(text) => PauseOption::parse(&text)?,
            None => PauseOption::Automatic,
        };
        let max_errors = amount(&rate, "MaxErrors", count, Rounding::Down)?.unwrap_or(0);
        let concurrency = match rate.get("Concurrency") {
            // `Fn::CalculateBatch` may give a list of sizes (template-language 11).
            Some(Value::List(sizes)) => return Self::batches(sizes, &rate, count, max_errors, pause),
            _ => amount(&rate, "Concurrency", count, Rounding::Up)?.unwrap_or(1),
        };
        if mode.eq_ignore_ascii_case("Batch") {
            let sizes = match rate.get("Batch") {
                Some(Value::List(sizes)) => sizes.to_vec(),
                Some(Value::Null) | None => vec![Value::from(count.max(1))],
                Some(one) => vec![one.clone()],
            };
            return Self::batches(&sizes, &rate, count, max_errors, pause);
        }
        if !mode.eq_ignore_ascii_case("Concurrency") {
            return Err(invalid(format!("`{mode}` is no loop mode; Concurrency or Batch is expected")));
        }
        if concurrency < 1 && n > 0 {
            return Err(invalid("`Concurrency` must be at least 1".into()));
        }
        let window = concurrency.clamp(1, count.max(1));
        // CHOICE: the old form with BatchPauseOption means batches of size Concurrency (template-language 6.2).
        let batched = old_form && rate.get("BatchPauseOption").is_some();
        Ok(Self { windows: vec![window], max_errors, batches: if batched { vec![window] } else { vec![] }, pause })
    }

    fn batches(
        sizes: &[Value],
        rate: &Value,
        n: u32,
        max_errors: u32,
        pause: PauseOption,
    ) -> Result<Self, ActionError> {
        let read = |size: &Value| match parse_amount(size, n, Rounding::Up)? {
            0 => Err(invalid("a batch must have at least one item".into())),
            size => Ok(size),
        };
        let batches = sizes.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        if batches.is_empty() {
            return Err(invalid("`Batch` must not be empty".into()));
        }
        let inside = match rate.get("ConcurrencyInBatches") {
            None | Some(Value::Null) => vec![Value::from(CONCURRENCY_IN_BATCHES)],
            Some(Value::List(list)) => list.to_vec(),
            Some(one) => vec![one.clone()],
        };
        // The last entry repeats as it is written: a percentage is one of each further batch.
        let count = inside.len().max(batches.len());
        let windows = (0..count).map(|i| {
            let batch = batches.get(i).or(batches.last()).copied().unwrap_or(1);
            let window = inside.get(i).or(inside.last()).map_or(Ok(1), |w| parse_amount(w, batch, Rounding::Up));
            window.map(|w| w.max(1))
        });
        let windows = windows.collect::<Result<_, _>>()?;
        Ok(Self { windows, max_errors, batches, pause })
    }

    /// Items in flight at most in a batch, counted from 0.
    pub fn window(&self, batch: usize) -> u32 {
        self.windows.get(batch).or(self.windows.last()).copied().unwrap_or(1)
    }

    /// Size of a batch, counted from 0; `None` without batches.
    pub fn batch_size(&self, batch: usize) -> Option<u32> {
        self.batches.get(batch).or(self.batches.last()).copied()
    }

    /// True when the loop pauses after a batch, counted from 0, with items left.
    pub fn pauses_after(&self, batch: usize) -> bool {
        match self.pause {
            PauseOption::Automatic => false,
            PauseOption::FirstBatchPause => batch == 0,
            PauseOption::EveryBatchPause => true,
        }
    }
}

impl PauseOption {
    fn parse(text: &str) -> Result<Self, ActionError> {
        [
            ("Automatic", Self::Automatic),
            ("FirstBatchPause", Self::FirstBatchPause),
            ("EveryBatchPause", Self::EveryBatchPause),
        ]
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text))
        .map(|(_, option)| option)
        .ok_or_else(|| invalid(format!("`{text}` is no BatchPauseOption")))
    }
}

/// CHOICE: concurrency and batch sizes round up, error budgets round down (template-language 6.4).
#[derive(Clone, Copy)]
enum Rounding {
    Up,
    Down,
}

fn text(rate: &Value, key: &str) -> Option<String> {
    let value = rate.get(key)?;
    // A stray comma at the end is tolerated: one official template has it (template-language 6.2).
    let text = value.as_str()?.trim().trim_end_matches(',').to_owned();
    (!text.is_empty()).then_some(text)
}

fn amount(rate: &Value, key: &str, n: u32, rounding: Rounding) -> Result<Option<u32>, ActionError> {
    match rate.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => parse_amount(value, n, rounding).map(Some),
    }
}

fn parse_amount(value: &Value, n: u32, rounding: Rounding) -> Result<u32, ActionError> {
    let wrong = || invalid(format!("`{value}` is neither a number nor a percentage"));
    if let Some(number) = value.as_i64() {
        return u32::try_from(number).map_err(|_| wrong());
    }
    let text = value.as_str().ok_or_else(wrong)?.trim().trim_end_matches(',').trim();
    let Some(percent) = text.strip_suffix('%') else { return text.parse().map_err(|_| wrong()) };
    let percent: f64 = percent.trim().parse().map_err(|_| wrong())?;
    if !(0.0..=100.0).contains(&percent) {
        return Err(wrong());
    }
    let exact = percent * f64::from(n) / 100.0;
    let rounded = match rounding {
        Rounding::Up => exact.ceil().max(1.0),
        Rounding::Down => exact.floor(),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and n")]
    Ok(rounded as u32)
}

fn invalid(message: String) -> ActionError {
    ActionError::new(crate::ports::ActionErrorKind::InvalidProperty, "InvalidLoop", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params;

    #[test]
    fn percentages_round_up_for_windows_and_down_for_errors() {
        let rate = Rate::read(&params! { "Concurrency" => "50%", "MaxErrors" => "50%" }, 3, false).unwrap();
        assert_eq!((rate.window(0), rate.max_errors), (2, 1));
        let rate = Rate::read(&params! { "Concurrency" => "1%", "MaxErrors" => "100%" }, 3, false).unwrap();
        assert_eq!((rate.window(0), rate.max_errors), (1, 3));
    }

    #[test]
    fn absent_keys_mean_one_at_a_time_without_errors() {
        let rate = Rate::read(&Value::Null, 5, true).unwrap();
        assert_eq!((rate.window(0), rate.max_errors, rate.batch_size(0)), (1, 0, None));
    }

    #[test]
    fn batch_sizes_repeat_their_last() {
        let list = Value::from_json_str(r#"{"Mode":"Batch","Batch":[1,"25%","50%"],"ConcurrencyInBatches":[1,"50%"]}"#);
        let rate = Rate::read(&list.unwrap(), 8, false).unwrap();
        assert_eq!((0..5).map(|b| rate.batch_size(b).unwrap()).collect::<Vec<_>>(), [1, 2, 4, 4, 4]);
        assert_eq!((0..5).map(|b| rate.window(b)).collect::<Vec<_>>(), [1, 1, 2, 2, 2]);
    }

    #[test]
    fn batches_without_sizes_are_one_with_twenty_at_once() {
        let rate = Rate::read(&params! { "Mode" => "Batch" }, 70, false).unwrap();
        assert_eq!((rate.batch_size(0), rate.window(0), rate.pauses_after(0)), (Some(70), 20, false));
    }

    #[test]
    fn old_form_with_a_pause_option_makes_batches() {
        let rate = params! { "Concurrency" => 2, "BatchPauseOption" => "EveryBatchPause" };
        let rate = Rate::read(&rate, 4, true).unwrap();
        assert_eq!((rate.batch_size(0), rate.pauses_after(0)), (Some(2), true));
    }

    #[test]
    fn stray_commas_are_tolerated_and_nonsense_is_not() {
        assert!(Rate::read(&params! { "Mode" => "Concurrency,", "MaxErrors" => "0," }, 3, false).is_ok());
        assert!(Rate::read(&params! { "Concurrency" => 0 }, 3, false).is_err());
        assert!(Rate::read(&params! { "Concurrency" => "many" }, 3, false).is_err());
        assert!(Rate::read(&params! { "Mode" => "Fast" }, 3, false).is_err());
        assert!(Rate::read(&params! { "MaxErrors" => "120%" }, 3, false).is_err());
    }
}
