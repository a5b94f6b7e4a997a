//! What names mean while a template is compiled.

use crate::{
    expr::{Functions, Match, NameKind, Names, Variable},
    ids::Name,
    plan::Environment,
    template::{Task, Template},
};

/// Names of a template; `outer` holds those of the template around an `ACS::Loop`.
pub(super) struct TemplateNames<'a> {
    pub(super) parameters: Vec<Name>,
    pub(super) tasks: Vec<TaskNames>,
    pub(super) conditions: Vec<Name>,
    pub(super) functions: &'a Functions,
    pub(super) variables: &'a [std::sync::Arc<str>],
    /// The task that is being compiled.
    pub(super) current: Option<usize>,
    /// How deep functions may nest.
    function_depth: usize,
    /// How many `ACS::Loop` are around.
    pub(super) depth: usize,
    /// True in properties, outputs and per-item conditions of a looped task.
    looped: bool,
    /// True in the template's `Outputs`.
    outputs: bool,
    /// Of each task of the templates around, whether it comes later; those tasks are numbered after the own ones.
    around: Vec<bool>,
}

/// Names of one task.
#[derive(Clone, Debug)]
pub(super) struct TaskNames {
    pub(super) name: Name,
    /// In the order of the indices of references: aggregates first, then outputs that no aggregate hides.
    pub(super) visible: Vec<Name>,
}

impl TaskNames {
    pub(super) fn of(task: &Task) -> Self {
        let outputs = task.outputs.iter().map(|o| o.name.value.clone());
        let aggregates = task.looping.iter().flat_map(|l| l.outputs.iter().map(|a| a.name.value.clone()));
        let mut visible: Vec<Name> = aggregates.collect();
        let hidden = visible.clone();
        visible.extend(outputs.filter(|o| !hidden.contains(o)));
        Self { name: Name::new(task.name.value.text().clone()), visible }
    }
}

impl<'a> TemplateNames<'a> {
    pub(super) fn of(template: &Template, environment: &'a Environment) -> Self {
        Self {
            parameters: template.parameters.iter().map(|p| p.name.value.clone()).collect(),
            tasks: template.tasks.iter().map(TaskNames::of).collect(),
            conditions: template.conditions.iter().map(|c| c.name.value.clone()).collect(),
            functions: &environment.functions,
            variables: &environment.variables,
            current: None,
            function_depth: environment.limits.function_depth,
            depth: 0,
            looped: false,
            outputs: false,
            around: Vec::new(),
        }
    }

    /// Names of the tasks of an `ACS::Loop`, and behind them those of the template around.
    pub(super) fn inside(template: &Template, environment: &'a Environment, outer: &Self) -> Self {
        let mut names = Self::of(template, environment);
        names.parameters.clone_from(&outer.parameters);
        names.conditions.clone_from(&outer.conditions);
        // The `ACS::Loop` itself has not ended yet, either.
        names.around = (0..outer.tasks.len()).map(|t| outer.current == Some(t) || outer.is_later(t)).collect();
        names.tasks.extend(outer.tasks.iter().cloned());
        names.depth = outer.depth + 1;
        names
    }

    /// Says that what follows is evaluated for each item of a task's loop, or that it is not.
    pub(super) fn enter_loop(&mut self, looped: bool) {
        self.looped = looped;
    }

    /// Says that what follows stands in the template's `Outputs`, or that it does not.
    pub(super) fn enter_outputs(&mut self, outputs: bool) {
        self.outputs = outputs;
    }
}

/// Exact first, else the only one that matches without case.
fn find<'n>(names: impl Iterator<Item = &'n Name>, wanted: &str) -> Option<Match<usize>> {
    let mut folded = None;
    let mut ambiguous = false;
    for (i, name) in names.enumerate() {
        if name.as_str() == wanted {
            return Some(Match { found: i, exact: true });
        }
        if name.as_str().eq_ignore_ascii_case(wanted) {
            ambiguous = folded.is_some();
            folded = folded.or(Some(i));
        }
    }
    folded.filter(|_| !ambiguous).map(|found| Match { found, exact: false })
}

impl Names for TemplateNames<'_> {
    fn parameter(&self, name: &str) -> Option<Match<usize>> {
        find(self.parameters.iter(), name)
    }

    fn task(&self, name: &str) -> Option<Match<usize>> {
        find(self.tasks.iter().map(|t| &t.name), name)
    }

    fn output(&self, task: usize, name: &str) -> Option<Match<usize>> {
        find(self.tasks.get(task)?.visible.iter(), name)
    }

    fn condition(&self, name: &str) -> Option<Match<usize>> {
        find(self.conditions.iter(), name)
    }

    fn custom_variable(&self, name: &str) -> Option<Variable> {
        self.variables.iter().find(|v| v.eq_ignore_ascii_case(name)).map(|v| Variable::Custom(v.clone()))
    }

    fn in_loop(&self) -> bool {
        self.looped || self.depth > 0
    }

    fn in_outputs(&self) -> bool {
        self.outputs
    }

    fn current_task(&self) -> Option<usize> {
        self.current
    }

    fn is_later(&self, task: usize) -> bool {
        match task.checked_sub(self.tasks.len() - self.around.len()) {
            Some(outer) => self.around.get(outer).copied().unwrap_or(false),
            None => self.current.is_some_and(|current| task > current),
        }
    }

    fn function_depth(&self) -> usize {
        self.function_depth
    }

    fn functions(&self) -> &Functions {
        self.functions
    }

    fn candidates(&self, kind: NameKind) -> Vec<String> {
        let texts = |names: &[Name]| names.iter().map(ToString::to_string).collect();
        match kind {
            NameKind::Parameter => texts(&self.parameters),
            NameKind::Task => self.tasks.iter().map(|t| t.name.to_string()).collect(),
            NameKind::Output(task) => self.tasks.get(task).map(|t| texts(&t.visible)).unwrap_or_default(),
            NameKind::Condition => texts(&self.conditions),
        }
    }
}
