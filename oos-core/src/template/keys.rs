//! The key tables of the template language (template-language 1.2, 2.1, 5.1, 6.2, 7, 8): which key may stand where,
//! with which shape. Lowering reads by them and the JSON Schema is printed from them, so that both say the same.

use crate::diagnostic::Code;

/// The keys of one kind of map.
#[derive(Debug)]
pub(super) struct Table {
    /// What such a map is, for messages: `a task`.
    pub(super) what: &'static str,
    /// Name in the schema's `$defs`.
    pub(super) definition: &'static str,
    /// The keys.
    pub(super) keys: &'static [Rule],
}

impl Table {
    /// The rule of a key.
    pub(super) fn rule(&self, key: &str) -> Option<&'static Rule> {
        self.keys.iter().find(|rule| rule.name == key)
    }
}

/// One key.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
    /// The code of a wrong shape.
    pub(super) code: Code,
    /// One line for editors.
    pub(super) summary: &'static str,
}

/// What may stand under a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// Anything; an expression, or read elsewhere.
    Any,
    /// Text.
    Text,
    /// Text that follows the rule for names.
    Name,
    /// One of these texts.
    Word(&'static [&'static str]),
    /// True or false, also as text.
    Flag,
    /// Any map.
    Map,
    /// Text, or a map by language.
    TextOrMap,
    /// A name of a type.
    Type,
    /// One map with keys of a table.
    Object(&'static Table),
    /// Entries by name, each a map with keys of a table.
    Named(&'static Table),
    /// Entries by name, each anything.
    NamedAny,
    /// A non-empty list of maps with keys of a table.
    Each(&'static Table),
}

/// CHOICE: 200 characters for every kind of name; published for task and output names, not for parameters
/// (template-language 1.3).
pub(super) const LONGEST_NAME: usize = 200;

/// The rule for names, as a regular expression for the schema; lowering says which part of it is broken.
pub(super) const NAME_PATTERN: &str = "^[A-Za-z0-9_-]{1,200}$";

const fn rule(name: &'static str, shape: Shape, summary: &'static str) -> Rule {
    Rule { name, shape, required: false, code: Code::NOT_A_MAP, summary }
}

const fn need(name: &'static str, shape: Shape, code: Code, summary: &'static str) -> Rule {
    Rule { name, shape, required: true, code, summary }
}

const fn coded(name: &'static str, shape: Shape, code: Code, summary: &'static str) -> Rule {
    Rule { name, shape, required: false, code, summary }
}

/// The document.
pub(super) const TEMPLATE: Table = Table {
    what: "a template",
    definition: "template",
    keys: &[
        need("FormatVersion", Shape::Word(&[super::FORMAT_VERSION]), Code::FORMAT_VERSION, "version of the language"),
        rule("Description", Shape::TextOrMap, "what the template is for, as text or by language"),
        rule("Metadata", Shape::Map, "hints for the console"),
        rule("Parameters", Shape::Named(&PARAMETER), "what the caller gives, by name"),
        rule("Conditions", Shape::NamedAny, "named conditions for `When`"),
        rule("RamRole", Shape::Text, "role, or chain of roles, that the execution takes on"),
        need("Tasks", Shape::Each(&TASK), Code::TASKS_REQUIRED, "what is done, in order"),
        rule("Outputs", Shape::Named(&OUTPUT), "what the execution gives back, by name"),
    ],
};

/// An entry of `Parameters`.
pub(super) const PARAMETER: Table = Table {
    what: "a parameter",
    definition: "parameter",
    keys: &[
        coded("Type", Shape::Type, Code::PARAMETER_TYPE, "type of the value; String when absent"),
        rule("Default", Shape::Any, "value when the caller gives none"),
        rule("AllowedValues", Shape::Any, "list of the values that are allowed"),
        rule("AllowedPattern", Shape::Any, "regular expression that the text must match"),
        rule("MinLength", Shape::Any, "least number of characters"),
        rule("MaxLength", Shape::Any, "greatest number of characters"),
        rule("MinValue", Shape::Any, "least number"),
        rule("MaxValue", Shape::Any, "greatest number"),
        rule("NoEcho", Shape::Any, "true hides the value wherever parameters are shown"),
        rule("ConstraintDescription", Shape::Any, "what to say when the value does not fit"),
        rule("Description", Shape::Any, "what the parameter is for"),
        rule("Label", Shape::Any, "caption in the console"),
        rule("AssociationProperty", Shape::Any, "input field in the console"),
        rule("AssociationPropertyMetadata", Shape::Any, "settings of the input field in the console"),
    ],
};

/// The attributes of a parameter that only the console reads.
pub(super) const CONSOLE: &[&str] = &["Description", "Label", "AssociationProperty", "AssociationPropertyMetadata"];

/// An entry of `Tasks`.
pub(super) const TASK: Table = Table {
    what: "a task",
    definition: "task",
    keys: &[
        need("Name", Shape::Name, Code::TASK_NAME, "name of the task, unique without regard to case"),
        need("Action", Shape::Text, Code::ACTION_REQUIRED, "what the task does: `ACS::ExecuteAPI` and the like"),
        rule("Description", Shape::TextOrMap, "what the task is for"),
        coded("Properties", Shape::Map, Code::PROPERTIES, "input of the action"),
        rule("When", Shape::Any, "condition without which the task is skipped"),
        rule("Outputs", Shape::Named(&TASK_OUTPUT), "what later tasks may read, by name"),
        coded("Loop", Shape::Object(&LOOP), Code::LOOP, "runs the task once for each item"),
        coded("OnError", Shape::Text, Code::JUMP_TARGET, "`ACS::END` (default), `ACS::NEXT`, or a task"),
        coded("OnSuccess", Shape::Text, Code::JUMP_TARGET, "`ACS::NEXT` (default), `ACS::END`, or a task"),
        coded("OnCancel", Shape::Text, Code::JUMP_TARGET, "`ACS::END` (default), `ACS::NEXT`, or a task"),
        rule("IsCritical", Shape::Flag, "false lets the execution succeed although the task failed"),
        rule("Retries", Shape::Any, "number of repeats after the first try"),
        rule("DelayType", Shape::Any, "`Exponential` (default), `Constant` or `Linear`"),
        rule("Delay", Shape::Any, "seconds between tries"),
        rule("BackOff", Shape::Any, "seconds that a linear delay grows by"),
        rule("MaxRetryInterval", Shape::Any, "longest delay in seconds"),
    ],
};

/// An entry of a task's `Outputs`.
pub(super) const TASK_OUTPUT: Table = Table {
    what: "a task output",
    definition: "taskOutput",
    keys: &[
        coded("Type", Shape::Type, Code::OUTPUT_TYPE, "type of the value; String when absent"),
        need("ValueSelector", Shape::Any, Code::OUTPUT, "path or jq program over the result of the action"),
    ],
};

/// An entry of the template's `Outputs`.
pub(super) const OUTPUT: Table = Table {
    what: "an output",
    definition: "output",
    keys: &[
        coded("Type", Shape::Type, Code::OUTPUT_TYPE, "type of the value; String when absent"),
        need("Value", Shape::Any, Code::OUTPUT, "the value, usually a reference to a task output"),
        rule("Description", Shape::TextOrMap, "what the output is"),
    ],
};

/// `Loop`.
pub(super) const LOOP: Table = Table {
    what: "a loop",
    definition: "loop",
    keys: &[
        coded("Items", Shape::Any, Code::LOOP, "list, or reference to a list, of what to loop over"),
        rule("RateControl", Shape::Any, "how many items run at once and how many may fail"),
        rule("Outputs", Shape::Named(&AGGREGATE), "what the items' outputs become together, by name"),
        rule("Mode", Shape::Any, "old form of `RateControl`"),
        rule("Concurrency", Shape::Any, "old form of `RateControl`"),
        rule("MaxErrors", Shape::Any, "old form of `RateControl`"),
        rule("BatchPauseOption", Shape::Any, "old form of `RateControl`"),
    ],
};

/// An entry of `Loop.Outputs`.
pub(super) const AGGREGATE: Table = Table {
    what: "a loop output",
    definition: "aggregate",
    keys: &[
        need("AggregateType", Shape::Text, Code::AGGREGATE, "function that combines, usually `Fn::ListJoin`"),
        need("AggregateField", Shape::Text, Code::AGGREGATE, "task output that is combined"),
    ],
};
