//! Every stable code with its one-line meaning (template-language 10).

use std::fmt;

/// A stable code, in the service's grammar; a diagnostic prints its [`Code::kebab`] form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal;)*) => {
        impl Code {
            $($(#[doc = $doc])+ pub const $name: Self = Self($text);)*

            /// All codes with their meaning.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$name, concat!($($doc),+))),*];
        }
    };
}

codes! {
    /// not JSON or YAML; several documents; duplicate key; alias
    SYNTAX = "InvalidTemplate.Syntax";
    /// more bytes than the limit
    TOO_LARGE = "InvalidTemplate.TooLarge";
    /// root or a section has the wrong type
    NOT_A_MAP = "InvalidTemplate.NotAMap";
    /// FormatVersion missing or unknown
    FORMAT_VERSION = "InvalidTemplate.FormatVersion";
    /// a document of another kind, such as a state configuration
    UNSUPPORTED_TYPE = "UnsupportedTemplateType";
    /// key that the language does not know
    UNKNOWN_KEY = "InvalidTemplate.UnknownKey";
    /// Tasks missing, not a list, or empty
    TASKS_REQUIRED = "InvalidTemplate.TasksRequired";
    /// task name missing, with bad characters, or too long
    TASK_NAME = "InvalidTemplate.TaskName";
    /// two names that differ in case at most
    DUPLICATE_NAME = "InvalidTemplate.DuplicateName";
    /// task without Action
    ACTION_REQUIRED = "InvalidTemplate.ActionRequired";
    /// action that is not registered
    UNKNOWN_ACTION = "InvalidTemplate.UnknownAction";
    /// Properties of the wrong shape, or a required property missing
    PROPERTIES = "InvalidTemplate.Properties";
    /// property that the action does not know
    UNKNOWN_PROPERTY = "InvalidTemplate.UnknownProperty";
    /// literal property of a type that the action does not take
    PROPERTY_TYPE = "InvalidTemplate.PropertyType";
    /// jump to something that is no task
    JUMP_TARGET = "InvalidTemplate.JumpTarget";
    /// jump to an earlier task
    BACKWARD_JUMP = "W.BackwardJump";
    /// task that no path reaches
    UNREACHABLE = "W.Unreachable";
    /// jumps back that no condition can leave
    ENDLESS_LOOP = "W.EndlessLoop";
    /// Choice without DefaultTask or Choices, or a choice without When or NextTask
    CHOICE = "InvalidTemplate.Choice";
    /// When that is no condition
    WHEN = "InvalidTemplate.When";
    /// Conditions entry of the wrong shape, in a cycle, or about something unknown
    CONDITION = "InvalidTemplate.Condition";
    /// reference to a parameter that is not declared
    UNDEFINED_PARAMETER = "InvalidTemplate.UndefinedParameter";
    /// reference to a task that does not exist
    UNDEFINED_TASK = "InvalidTemplate.UndefinedTask";
    /// reference to an output that its task does not declare
    UNDEFINED_OUTPUT = "InvalidTemplate.UndefinedOutput";
    /// reference to a system variable that does not exist
    UNDEFINED_VARIABLE = "InvalidTemplate.UndefinedVariable";
    /// reference that matches only when case is ignored
    REFERENCE_CASE = "W.ReferenceCase";
    /// reference to an output of a later task
    REFERENCE_LATER = "W.ReferenceLater";
    /// output that no path produces before it is read
    NEVER_PRODUCED = "W.NeverProduced";
    /// braces that are no reference stay as text
    LITERAL_BRACES = "W.LiteralBraces";
    /// ACS::TaskLoopItem where no loop runs
    LOOP_ITEM_OUTSIDE_LOOP = "InvalidTemplate.LoopItemOutsideLoop";
    /// function that is not known
    UNKNOWN_FUNCTION = "InvalidTemplate.UnknownFunction";
    /// function with wrong arity, argument type, or a second key beside it
    FUNCTION_SHAPE = "InvalidTemplate.FunctionShape";
    /// selector that does not compile
    SELECTOR = "InvalidTemplate.Selector";
    /// output type that the language does not know
    OUTPUT_TYPE = "InvalidTemplate.OutputType";
    /// task output without ValueSelector, template output without Value
    OUTPUT = "InvalidTemplate.Output";
    /// loop without Items, on an action that cannot loop, or with bad rate control
    LOOP = "InvalidTemplate.Loop";
    /// AggregateField that is not among the task's outputs
    AGGREGATE_FIELD = "W.AggregateField";
    /// AggregateType that does not aggregate
    AGGREGATE = "InvalidTemplate.Aggregate";
    /// retry setting out of range, or on an action that does not retry
    RETRY = "InvalidTemplate.Retry";
    /// bad parameter name
    PARAMETER_NAME = "InvalidTemplate.ParameterName";
    /// parameter type that the language does not know
    PARAMETER_TYPE = "InvalidTemplate.ParameterType";
    /// default that does not fit its parameter
    PARAMETER_DEFAULT = "InvalidTemplate.ParameterDefault";
    /// constraint that cannot hold or does not fit the type
    PARAMETER_CONSTRAINT = "InvalidTemplate.ParameterConstraint";
    /// defaults that refer to each other
    PARAMETER_CYCLE = "InvalidTemplate.ParameterCycle";
    /// parameter that nothing names
    UNUSED_PARAMETER = "W.UnusedParameter";
    /// parameter that looks like a password without NoEcho
    SECRET_ECHO = "W.SecretEcho";
    /// parameter of a child that is missing or not declared there
    CHILD_PARAMETER = "InvalidTemplate.ChildParameter";
    /// API that the catalogue does not know
    UNKNOWN_API = "W.UnknownApi";
    /// API parameter that the catalogue does not know
    UNKNOWN_API_PARAMETER = "W.UnknownApiParameter";
    /// template that calls itself
    RECURSION = "InvalidTemplate.Recursion";
    /// child template that does not exist or has errors
    UNUSABLE_CHILD = "InvalidTemplate.UnusableChild";
    /// trigger that is not the first task, or in a template that runs as a child
    TRIGGER_PLACE = "InvalidTemplate.TriggerPlace";
    /// more tasks than the limit
    LIMIT_TASKS = "LimitExceeded.Tasks";
    /// more parameters than the limit
    LIMIT_PARAMETERS = "LimitExceeded.Parameters";
    /// deeper nesting than the limit
    LIMIT_DEPTH = "LimitExceeded.Depth";
    /// more items of a loop than the limit
    LIMIT_LOOP_ITEMS = "LimitExceeded.LoopItems";
}

/// Last parts that are bare nouns and get `invalid-` in front.
const NOUNS: &[&str] =
    &["When", "Loop", "Output", "Choice", "Condition", "Properties", "Retry", "Selector", "Aggregate", "Syntax"];

impl Code {
    /// The service's form: `InvalidTemplate.UnknownAction`. The four splits of `UndefinedReference` answer as that.
    pub fn service(self) -> &'static str {
        match self {
            Self::UNDEFINED_PARAMETER | Self::UNDEFINED_TASK | Self::UNDEFINED_OUTPUT | Self::UNDEFINED_VARIABLE => {
                "InvalidTemplate.UndefinedReference"
            }
            other => other.0,
        }
    }

    /// The form that a diagnostic prints: the last part in kebab case.
    pub fn kebab(self) -> String {
        let (head, last) = self.0.split_once('.').unwrap_or(("", self.0));
        let mut text = String::new();
        if head == "LimitExceeded" {
            text.push_str("limit-");
        } else if NOUNS.contains(&last) {
            text.push_str("invalid-");
        }
        for (i, c) in last.chars().enumerate() {
            if c.is_ascii_uppercase() && i > 0 {
                text.push('-');
            }
            text.push(c.to_ascii_lowercase());
        }
        text
    }

    /// The one-line meaning.
    pub fn meaning(self) -> &'static str {
        Self::ALL.iter().find(|(code, _)| *code == self).map_or("", |(_, meaning)| meaning.trim())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kebab())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kebab_form_follows_the_table() {
        assert_eq!(Code::UNKNOWN_ACTION.kebab(), "unknown-action");
        assert_eq!(Code::BACKWARD_JUMP.kebab(), "backward-jump");
        assert_eq!(Code::SYNTAX.kebab(), "invalid-syntax");
        assert_eq!(Code::LIMIT_TASKS.kebab(), "limit-tasks");
        assert_eq!(Code::NOT_A_MAP.kebab(), "not-a-map");
        assert_eq!(Code::UNSUPPORTED_TYPE.kebab(), "unsupported-template-type");
        assert_eq!(Code::UNDEFINED_TASK.service(), "InvalidTemplate.UndefinedReference");
    }
}
