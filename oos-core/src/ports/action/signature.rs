//! What is known of an action without running it: the data from which the check, the schema, the reference page and
//! the report of a failed task are made.

use std::{fmt::Write as _, sync::Arc};

use crate::{ActionName, Value, template::ValueType};

/// The class of an action, as ListActions names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActionClass {
    /// `Atomic.API`.
    Api,
    /// `Atomic.Trigger`.
    Trigger,
    /// `Atomic.Control`.
    Control,
    /// `Atomic.Embedded`: runs another template.
    Embedded,
    /// A template under an action's name, `Product.<CODE>`.
    Product,
    /// An embedder's own.
    Custom,
}

/// Where the retry settings of an action stand, and what they default to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryRule {
    /// The action does not retry; retry keys on its tasks are warned about.
    None,
    /// Keys of the task; `Retries` defaults to this.
    Task {
        /// Default of `Retries`.
        default_retries: u32,
    },
    /// A map under this property holds the keys; without the map no retry.
    Property {
        /// Name of the property.
        name: &'static str,
        /// Default of `Retries` in it.
        default_retries: u32,
    },
}

/// One property of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// Its name.
    pub name: Arc<str>,
    /// Types that it takes; empty for any.
    pub types: Vec<ValueType>,
    /// True when it must be given.
    pub required: bool,
    /// Its default, for the documentation.
    pub default: Option<Value>,
    /// Values that it takes; empty for any.
    pub allowed: Vec<Value>,
    /// One line for people.
    pub description: Arc<str>,
}

impl Property {
    /// A required property.
    pub fn required(name: &str, types: &[ValueType], description: &str) -> Self {
        Self {
            name: name.into(),
            types: types.to_vec(),
            required: true,
            default: None,
            allowed: Vec::new(),
            description: description.into(),
        }
    }

    /// An optional property.
    pub fn optional(name: &str, types: &[ValueType], description: &str) -> Self {
        Self { required: false, ..Self::required(name, types, description) }
    }

    /// The same property with a default.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Type, whether it is required, default and allowed values in a few words: `String, required, one of "a", "b"`.
    pub fn facts(&self) -> String {
        let mut facts = vec![type_words(&self.types)];
        if self.required {
            facts.push("required".to_owned());
        }
        facts.extend(self.default.as_ref().map(|value| format!("default {value}")));
        if !self.allowed.is_empty() {
            let allowed: Vec<_> = self.allowed.iter().map(ToString::to_string).collect();
            facts.push(format!("one of {}", allowed.join(", ")));
        }
        facts.join(", ")
    }

    /// The same property with the values that it takes.
    #[must_use]
    pub fn allowed<const N: usize>(mut self, values: [&str; N]) -> Self {
        self.allowed = values.into_iter().map(Value::from).collect();
        self
    }
}

/// A member of an action's result document: what a task's selectors find, or an output of a product action.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultMember {
    /// Its name; `.` for the document as a whole, whose members somebody else decides.
    pub name: Arc<str>,
    /// Types that it has; empty for any.
    pub types: Vec<ValueType>,
    /// One line for people.
    pub description: Arc<str>,
}

impl ResultMember {
    /// A member of a result document.
    pub fn new(name: &str, types: &[ValueType], description: &str) -> Self {
        Self { name: name.into(), types: types.to_vec(), description: description.into() }
    }
}

/// A failure that an action ends with of its own accord. Codes of a cloud come on top and are passed on as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct FailureCode {
    /// The code, as [`ActionError::code`](super::ActionError::code).
    pub code: Arc<str>,
    /// When it comes.
    pub when: Arc<str>,
}

/// An API that an action calls of its own accord, beside the one that its properties `Service` and `API` name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiUse {
    /// Product code.
    pub service: Arc<str>,
    /// Operation.
    pub api: Arc<str>,
    /// The property that decides about the call, and its value, case ignored; `None` when the call may always be made.
    pub given: Option<(&'static str, Arc<str>)>,
    /// False for a call that only the service's own action makes: permissions list it, because the service lists it.
    pub made: bool,
}

impl ApiUse {
    /// A call that may always be made.
    pub fn new(service: &str, api: &str) -> Self {
        Self { service: service.into(), api: api.into(), given: None, made: true }
    }

    /// The same call, made when a property has a value.
    #[must_use]
    pub fn when(self, property: &'static str, value: &str) -> Self {
        Self { given: Some((property, value.into())), ..self }
    }

    /// The same call as one that is listed and never made.
    #[must_use]
    pub fn only_listed(self) -> Self {
        Self { made: false, ..self }
    }
}

/// What is known of an action without running it.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// The name as registered.
    pub name: ActionName,
    /// Its class.
    pub class: ActionClass,
    /// True when a task with it may loop.
    pub loops: bool,
    /// Where retry settings stand.
    pub retry: RetryRule,
    /// Its properties.
    pub properties: Vec<Property>,
    /// True when properties that are not listed are fine.
    pub open: bool,
    /// Members of the result document.
    pub outputs: Vec<ResultMember>,
    /// Failures that it ends with of its own accord.
    pub failures: Vec<FailureCode>,
    /// Properties that are not evaluated before the action asks (control actions only), e.g. `Choices`.
    pub lazy: Vec<&'static str>,
    /// Properties that are not expressions of this template and are taken as written, e.g. `TemplateContent`.
    pub verbatim: Vec<&'static str>,
    /// True when the action is one API call whose `Service` and `API` decide about risk and permissions.
    pub calls_api: bool,
    /// APIs that the action calls of its own accord; `None` when nobody knows. Permissions, risks and the dry run read it.
    pub calls: Option<Vec<ApiUse>>,
    /// One line for people.
    pub description: Arc<str>,
}

impl Signature {
    /// An action that takes anything, may loop, and retries by the task's keys without a default.
    pub fn open(name: ActionName) -> Self {
        Self {
            name,
            class: ActionClass::Custom,
            loops: true,
            retry: RetryRule::Task { default_retries: 0 },
            properties: Vec::new(),
            open: true,
            outputs: Vec::new(),
            failures: Vec::new(),
            lazy: Vec::new(),
            verbatim: Vec::new(),
            calls_api: false,
            calls: None,
            description: "".into(),
        }
    }

    /// The property of that name.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|p| &*p.name == name)
    }

    /// The same signature with members of the result document.
    #[must_use]
    pub fn gives(mut self, outputs: impl IntoIterator<Item = ResultMember>) -> Self {
        self.outputs.extend(outputs);
        self
    }

    /// The same signature with APIs that the action calls of its own accord; an empty list says that it calls none.
    ///
    /// ```
    /// # use oos_core::{ActionName, ports::action::{ApiUse, Signature}};
    /// let page = Signature::open(ActionName::new("Acme::Page")).calls([ApiUse::new("MNS", "PublishMessage")]);
    /// assert_eq!(page.calls.map(|calls| calls.len()), Some(1));
    /// ```
    #[must_use]
    pub fn calls(mut self, uses: impl IntoIterator<Item = ApiUse>) -> Self {
        self.calls.get_or_insert_default().extend(uses);
        self
    }

    /// The same signature with a failure.
    #[must_use]
    pub fn fails(mut self, code: &str, when: &str) -> Self {
        self.failures.push(FailureCode { code: code.into(), when: when.into() });
        self
    }

    /// What the action takes, a line per property, beside what it was given where that is known: for the report of a
    /// failed task. Values are shown as they are; mask secrets first.
    ///
    /// ```
    /// # use oos_core::{ActionName, params, ports::action::{Property, Signature}, template::ValueType};
    /// let mut signature = Signature::open(ActionName::new("Acme::Greet"));
    /// signature.properties.push(Property::required("whom", &[ValueType::String], "who is greeted"));
    /// assert_eq!(signature.explain(None), "Acme::Greet takes\n  whom (String, required): who is greeted\n");
    /// let given = params! { "who" => "ana" };
    /// assert!(signature.explain(Some(&given)).contains("whom (String, required), not given: who is greeted"));
    /// ```
    pub fn explain(&self, given: Option<&Value>) -> String {
        let mut text = format!("{} takes\n", self.name);
        for property in &self.properties {
            let value = given.map(|map| map.as_map().and_then(|map| map.get_folded(&property.name)));
            let value = match value {
                None => String::new(),
                Some(None) => ", not given".to_owned(),
                Some(Some((_, value))) => format!(" = {value}"),
            };
            let _ = writeln!(text, "  {} ({}){value}: {}", property.name, property.facts(), property.description);
        }
        text
    }
}

/// Types as words: `Json or String`, `any` for none.
pub fn type_words(types: &[ValueType]) -> String {
    if types.is_empty() {
        return "any".to_owned();
    }
    types.iter().map(|t| t.as_str()).collect::<Vec<_>>().join(" or ")
}
