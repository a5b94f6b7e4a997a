//! The rules of `CheckFor` and `WaitFor` inside `ACS::ExecuteHttpRequest`.

use oos_core::{
    Limits, Value,
    ports::{ActionError, ActionErrorKind},
    selector::SelectorCache,
};

use crate::{
    atom::judge::{loosely_equal, observed, show},
    failure::Failure,
    properties::{Properties, missing, wrong},
};

pub(super) const NO_SELECTOR: Failure =
    Failure::new(ActionErrorKind::InvalidProperty, "InvalidSelector", "the selector of a rule does not compile");

/// What a list of rules came to.
pub(super) enum Checked {
    Holds,
    Fails { value: Value, why: String },
}

/// Both lists; `None` where the property is not given.
pub(super) struct Rules {
    wait_for: Option<Vec<Rule>>,
    check_for: Option<Vec<Rule>>,
}

struct Rule {
    selector: String,
    operator: Operator,
    value: Value,
}

#[derive(Clone, Copy)]
enum Operator {
    Equals,
    In,
    NotIn,
}

impl Rules {
    pub(super) fn of(properties: &Value) -> Result<Self, ActionError> {
        let properties = Properties(properties);
        Ok(Self { wait_for: rules(properties, "WaitFor")?, check_for: rules(properties, "CheckFor")? })
    }

    /// True when rules judge the answer instead of its status.
    pub(super) fn given(&self) -> bool {
        self.wait_for.is_some() || self.check_for.is_some()
    }

    pub(super) fn waits(&self) -> bool {
        self.wait_for.is_some()
    }

    pub(super) fn wait_for(&self, selectors: &SelectorCache, document: &Value) -> Result<Checked, ActionError> {
        check(self.wait_for.as_deref().unwrap_or_default(), selectors, document)
    }

    pub(super) fn check_for(&self, selectors: &SelectorCache, document: &Value) -> Result<Checked, ActionError> {
        check(self.check_for.as_deref().unwrap_or_default(), selectors, document)
    }
}

fn rules(properties: Properties<'_>, name: &str) -> Result<Option<Vec<Rule>>, ActionError> {
    let Some(map) = properties.map(name)? else {
        return Ok(None);
    };
    let map = Value::from(map);
    let list = Properties(&map).list("Rules")?.filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| missing(&format!("{name}.Rules")))?;
    list.iter().map(rule).collect::<Result<_, _>>().map(Some)
}

fn rule(value: &Value) -> Result<Rule, ActionError> {
    let properties = Properties(value);
    let operator = match properties.required_text("Operator")?.to_ascii_lowercase().as_str() {
        "equals" => Operator::Equals,
        "in" => Operator::In,
        "notin" => Operator::NotIn,
        _ => return Err(wrong("Operator", "Equals, In or NotIn")),
    };
    let expected = properties.get("Value").cloned().unwrap_or_default();
    Ok(Rule { selector: properties.required_text("PropertySelector")?, operator, value: expected })
}

/// All rules must hold; the first that does not is told.
fn check(rules: &[Rule], selectors: &SelectorCache, document: &Value) -> Result<Checked, ActionError> {
    for rule in rules {
        let value = rule.select(selectors, document)?;
        if !rule.holds(&value) {
            let why = format!("{} is {}, which is not {}", rule.selector, show(&value), rule.wanted());
            return Ok(Checked::Fails { value, why });
        }
    }
    Ok(Checked::Holds)
}

impl Rule {
    /// A selector that fails on this answer gives null: a later answer may fit.
    fn select(&self, selectors: &SelectorCache, document: &Value) -> Result<Value, ActionError> {
        let selector = selectors.selector(&self.selector).map_err(|e| NO_SELECTOR.error(e))?;
        Ok(selector.run(document, &Limits::default()).map(observed).unwrap_or_default())
    }

    fn holds(&self, value: &Value) -> bool {
        let listed = || match self.value.parsed_if_json_text() {
            Value::List(list) => list.iter().any(|member| loosely_equal(value, member)),
            scalar => loosely_equal(value, &scalar),
        };
        match self.operator {
            Operator::Equals => loosely_equal(value, &self.value),
            Operator::In => listed(),
            Operator::NotIn => !listed(),
        }
    }

    fn wanted(&self) -> String {
        let value = show(&self.value);
        match self.operator {
            Operator::Equals => value,
            Operator::In => format!("in {value}"),
            Operator::NotIn => format!("outside {value}"),
        }
    }
}
