//! RAM policies: the typed value, the two texts of GenerateExecutionPolicy, and the comparison with what is needed.
//!
//! Only what these comparisons need: effects, actions and resources with wildcards. Conditions are ignored, because
//! they depend on the moment of a call; `NotAction` and `NotResource` are refused instead of misread.

use std::{collections::BTreeSet, fmt, sync::Arc};

use crate::{Value, params};

/// `Version` of a RAM policy.
const VERSION: &str = "1";

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, and wins.
    Deny,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What it does.
    pub effect: Effect,
    /// Actions, `*` and `?` being wildcards.
    pub actions: Vec<Arc<str>>,
    /// Resources, likewise.
    pub resources: Vec<Arc<str>>,
}

/// A policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Its statements.
    pub statements: Vec<Statement>,
}

/// One permission: an action on a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// `ecs:StopInstance`.
    pub action: Arc<str>,
    /// An ARN pattern, or `*`.
    pub resource: Arc<str>,
}

/// A text that is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no RAM policy: {reason}")]
pub struct PolicyError {
    reason: String,
}

impl PolicyError {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl Policy {
    /// Reads a policy document, or the `MissingPolicy` of GenerateExecutionPolicy, which is a Python literal: a list of
    /// maps in single quotes with `ServiceName` and `Resources` (service-model 6.3).
    ///
    /// # Errors
    /// When the text is neither.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let document = match Value::from_json_str(text) {
            Ok(document) => document,
            Err(json) => {
                Value::from_json_str(&json_of_literal(text)).map_err(|_| PolicyError::new(json.to_string()))?
            }
        };
        let statements = match (&document, document.get("Statement")) {
            (Value::List(list), _) => list.to_vec(),
            (Value::Map(_), Some(Value::List(list))) => list.to_vec(),
            (Value::Map(_), Some(one @ Value::Map(_))) => vec![one.clone()],
            _ => return Err(PolicyError::new("it has no list of statements")),
        };
        let statements = statements.iter().map(Statement::read).collect::<Result<_, _>>()?;
        Ok(Self { statements })
    }

    /// The policy as GenerateExecutionPolicy gives it: one map with `Version` and `Statement`.
    pub fn to_value(&self) -> Value {
        let statements: Value = self.statements.iter().map(Statement::to_value).collect();
        params! { "Version" => VERSION, "Statement" => statements }
    }

    /// The permissions of the allowing statements as the text of `MissingPolicy`; empty brackets for none.
    pub fn to_missing_policy(&self) -> String {
        let entries = self.statements.iter().map(|s| {
            let actions = s.actions.iter().map(|a| format!("'{a}'")).collect::<Vec<_>>().join(", ");
            let service = s.actions.first().and_then(|a| a.split(':').next()).unwrap_or_default();
            let resources = s.resources.first().map_or(super::arn::ANY, |r| r);
            format!("{{'Action': [{actions}], 'ServiceName': '{service}', 'Resources': '{resources}'}}")
        });
        format!("[{}]", entries.collect::<Vec<_>>().join(", "))
    }

    fn decides(&self, effect: Effect, need: &Need) -> bool {
        self.statements.iter().any(|s| {
            s.effect == effect && s.names(&need.action) && s.resources.iter().any(|r| matches(r, &need.resource, false))
        })
    }

    /// True when the policy allows a permission: an allowing statement covers all of its resource, no denying one does.
    pub fn allows(&self, need: &Need) -> bool {
        self.decides(Effect::Allow, need) && !self.decides(Effect::Deny, need)
    }
}

/// The compact JSON text of [`Policy::to_value`].
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_value())
    }
}

impl Statement {
    fn read(value: &Value) -> Result<Self, PolicyError> {
        if value.get("NotAction").is_some() || value.get("NotResource").is_some() {
            return Err(PolicyError::new("`NotAction` and `NotResource` cannot be compared"));
        }
        let effect = match value.get("Effect").map(Value::to_text) {
            None => Effect::Allow,
            Some(text) if text.eq_ignore_ascii_case("Allow") => Effect::Allow,
            Some(text) if text.eq_ignore_ascii_case("Deny") => Effect::Deny,
            Some(text) => return Err(PolicyError::new(format!("`{text}` is no effect"))),
        };
        let actions = texts(value.get("Action"));
        if actions.is_empty() {
            return Err(PolicyError::new("a statement has no `Action`"));
        }
        let service = value.get("ServiceName").map(Value::to_text);
        let full = |action: Arc<str>| match &service {
            Some(service) if !action.contains(':') => format!("{service}:{action}").into(),
            _ => action,
        };
        let resources = texts(value.get("Resource").or_else(|| value.get("Resources")));
        let resources = if resources.is_empty() { vec![super::arn::ANY.into()] } else { resources };
        Ok(Self { effect, actions: actions.into_iter().map(full).collect(), resources })
    }

    fn to_value(&self) -> Value {
        let resource = match self.resources.as_slice() {
            [one] => Value::from(one.clone()),
            several => Value::from(several.to_vec()),
        };
        let effect = if self.effect == Effect::Allow { "Allow" } else { "Deny" };
        params! { "Action" => self.actions.clone(), "Resource" => resource, "Effect" => effect }
    }

    fn names(&self, action: &str) -> bool {
        self.actions.iter().any(|pattern| matches(pattern, action, true))
    }
}

/// What a policy lacks and has too much of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Permissions that it does not give at all.
    pub missing: Vec<Need>,
    /// Permissions whose action it gives for some resources only.
    pub partial: Vec<Need>,
    /// Actions, as written in the policy, that nothing needs.
    pub unused: Vec<Arc<str>>,
}

impl Coverage {
    /// True when nothing is missing.
    pub fn is_sufficient(&self) -> bool {
        self.missing.is_empty() && self.partial.is_empty()
    }

    /// What is missing as a policy, one statement per product.
    pub fn to_policy(&self) -> Policy {
        super::permissions::policy_of(self.missing.iter().chain(&self.partial))
    }
}

/// Compares a policy with what is needed.
pub fn covers(policy: &Policy, needs: &[Need]) -> Coverage {
    let mut coverage = Coverage::default();
    for need in needs.iter().filter(|n| !policy.allows(n)) {
        let named = policy.statements.iter().any(|s| s.effect == Effect::Allow && s.names(&need.action));
        let denied = policy.decides(Effect::Deny, need);
        if named && !denied { coverage.partial.push(need.clone()) } else { coverage.missing.push(need.clone()) }
    }
    let allowed = policy.statements.iter().filter(|s| s.effect == Effect::Allow).flat_map(|s| &s.actions);
    let used = |pattern: &Arc<str>| needs.iter().any(|n| matches(pattern, &n.action, true));
    coverage.unused = allowed.filter(|a| !used(a)).cloned().collect::<BTreeSet<_>>().into_iter().collect();
    coverage
}

fn texts(value: Option<&Value>) -> Vec<Arc<str>> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::List(list)) => list.iter().map(Value::to_text).collect(),
        Some(one) => vec![one.to_text()],
    }
}

/// True when a pattern with `*` and `?` covers a text.
fn matches(pattern: &str, text: &str, fold: bool) -> bool {
    let chars = |s: &str| s.chars().map(|c| if fold { c.to_ascii_lowercase() } else { c }).collect::<Vec<_>>();
    let (pattern, text) = (chars(pattern), chars(text));
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == text.get(t) => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

/// A Python literal as JSON text: single quotes, `u''`, `True`, `False`, `None`, a comma before the end.
fn json_of_literal(text: &str) -> String {
    let mut json = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => quoted(&mut json, &mut chars, c),
            c if c.is_ascii_alphabetic() => {
                let mut word = String::from(c);
                while let Some(next) = chars.next_if(char::is_ascii_alphanumeric) {
                    word.push(next);
                }
                json.push_str(match word.as_str() {
                    "True" => "true",
                    "False" => "false",
                    "None" => "null",
                    // The mark of a text of the old version of the language.
                    "u" if matches!(chars.peek(), Some('\'' | '"')) => "",
                    other => other,
                });
            }
            ']' | '}' => {
                let kept = json.trim_end().strip_suffix(',').map(str::len);
                json.truncate(kept.unwrap_or(json.len()));
                json.push(c);
            }
            other => json.push(other),
        }
    }
    json
}

fn quoted(json: &mut String, chars: &mut std::iter::Peekable<std::str::Chars<'_>>, quote: char) {
    let mut inside = String::new();
    while let Some(c) = chars.next() {
        match c {
            c if c == quote => break,
            '\\' => inside.extend(chars.next().map(|next| match next {
                'n' => '\n',
                't' => '\t',
                other => other,
            })),
            other => inside.push(other),
        }
    }
    json.push_str(&Value::from(inside).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(action: &str, resource: &str) -> Need {
        Need { action: action.into(), resource: resource.into() }
    }

    const OFFICIAL: &str = concat!(
        r#"{"Version":"1","Statement":[{"Action":["ecs:DescribeInstances","ecs:StopInstance"],"#,
        r#""Resource":"*","Effect":"Allow"}]}"#
    );

    #[test]
    fn the_official_text_reads_and_writes_back() {
        assert_eq!(Policy::parse(OFFICIAL).unwrap().to_string(), OFFICIAL);
    }

    #[test]
    fn missing_policy_reads_in_both_quote_styles() {
        let python = "[{'Action': ['ecs:StopInstance', 'ecs:StartInstance'], 'ServiceName': 'ecs', 'Resources': '*'}]";
        let parsed = Policy::parse(python).unwrap();
        assert_eq!(parsed, Policy::parse(&python.replace('\'', "\"")).unwrap());
        assert_eq!(parsed.to_missing_policy(), python);
        let odd = "[{u'Action': [u'StopInstance',], 'ServiceName': u'ecs', 'Resources': '*', 'x': None},]";
        assert_eq!(&*Policy::parse(odd).unwrap().statements[0].actions[0], "ecs:StopInstance");
        assert_eq!(Policy::parse("[]").unwrap(), Policy::default());
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", "{}", "'x'", "[1]", r#"{"Statement":[{"NotAction":"*"}]}"#, "[{'Action': 'x', 'Effect': 'May'}]", "['"]
        {
            let error = Policy::parse(text).unwrap_err().to_string();
            assert!(error.starts_with("this is no RAM policy: "), "{text}: {error}");
        }
    }

    #[test]
    fn a_comparison_names_what_is_missing_and_what_is_unused() {
        let policy = Policy::parse(
            r#"{"Version":"1","Statement":[
                {"Effect":"Allow","Action":["ECS:Describe*","vpc:*"],"Resource":"*"},
                {"Effect":"Allow","Action":"ecs:StopInstance","Resource":"acs:ecs:*:*:instance/i-1"},
                {"Effect":"Deny","Action":"ecs:DescribeDisks","Resource":"*"}]}"#,
        );
        let needs = [
            need("ecs:DescribeInstances", "*"),
            need("ecs:DescribeDisks", "*"),
            need("ecs:StopInstance", "acs:ecs:*:*:instance/i-1"),
            need("ecs:StopInstance", "*"),
            need("ecs:StartInstance", "*"),
        ];
        let coverage = covers(&policy.unwrap(), &needs);
        assert_eq!(coverage.missing, [needs[1].clone(), needs[4].clone()]);
        assert_eq!(coverage.partial, [needs[3].clone()]);
        assert_eq!(coverage.unused, ["vpc:*".into()]);
        assert!(!coverage.is_sufficient());
        let actions = coverage.to_policy().statements[0].actions.join(" ");
        assert_eq!(actions, "ecs:DescribeDisks ecs:StartInstance ecs:StopInstance");
    }

    #[test]
    fn wildcards_cover_as_in_ram() {
        for (pattern, text, covered) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c*", "abcd", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*b", "aXc", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text, false), covered, "{pattern} {text}");
        }
        assert!(matches("ECS:stop*", "ecs:StopInstance", true));
    }
}
