//! The walk over every task of a plan and of its children, reachable or not, with symbolic values.

use std::{collections::BTreeSet, fmt, sync::Arc};

use super::{
    evaluate::describe,
    frame::{Facts, Frame, Items},
    line_of,
    symbolic::Symbolic,
};
use crate::{
    TaskName, TemplateName, Value,
    plan::{Plan, PlanSet, TaskKind, TaskPlan},
    ports::action::ActionClass,
    source::Span,
};

/// Tasks that a walk visits with the values given to them; beyond it each child is visited once more, with nothing
/// known. CHOICE: the step budget of an execution.
const MOST_TASKS: usize = 10_000;

/// Something that only a run will tell, with its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unresolved {
    /// The template, when it has a name.
    pub template: Option<TemplateName>,
    /// The line of the template, from 1.
    pub line: Option<usize>,
    /// The task.
    pub task: Option<TaskName>,
    /// The property that is open: `Service`, `API`, `TemplateName`, `TemplateContent`, or one that decides about calls.
    pub property: &'static str,
    /// The expression, or why it cannot be followed.
    pub text: String,
}

/// One line: place, task, property, expression.
impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let template = self.template.as_ref().map_or("<template>", TemplateName::as_str);
        write!(f, "{template}")?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))?;
        self.task.as_ref().map_or(Ok(()), |task| write!(f, ": task `{task}`"))?;
        write!(f, ": {} {}", self.property, self.text)
    }
}

/// A task with its properties.
pub(super) struct Site<'a> {
    pub(super) plan: &'a Plan,
    pub(super) task: &'a TaskPlan,
    /// The template, also for the tasks of `ACS::Loop`.
    pub(super) template: Option<&'a TemplateName>,
    pub(super) properties: &'a Symbolic,
}

impl Site<'_> {
    /// A property as unresolved.
    pub(super) fn unresolved(&self, property: &'static str) -> Unresolved {
        let expr = self.task.properties.member(property);
        let text = expr.as_ref().map_or_else(|| "is not given".to_owned(), |e| format!("`{}`", describe(e)));
        self.unresolved_as(property, text)
    }

    pub(super) fn unresolved_as(&self, property: &'static str, text: String) -> Unresolved {
        let span: Option<Span> = self.task.properties.member(property).and_then(|e| e.span);
        Unresolved {
            template: self.template.cloned(),
            line: line_of(self.plan, span.or(self.task.span)),
            task: Some(self.task.name.clone()),
            property,
            text,
        }
    }
}

/// What is collected on the way.
pub(super) trait Visitor {
    /// A task, once, or once per item.
    fn task(&mut self, site: &Site<'_>);
    /// A plan, before its tasks.
    fn plan(&mut self, _frame: &Frame<'_>) {}
    /// A child that cannot be followed.
    fn unresolved(&mut self, unresolved: Unresolved);
    /// A child whose name is known and whose plan is not at hand; it is told as unresolved too.
    fn missing(&mut self, _name: &TemplateName, _version: Option<&str>) {}
}

/// A walk.
pub(super) struct Walk<'a> {
    pub(super) facts: &'a Facts,
    pub(super) plans: &'a PlanSet,
    /// True to visit the body of a loop for every known item.
    pub(super) each_item: bool,
    seen: BTreeSet<(Arc<str>, String)>,
    tasks: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(facts: &'a Facts, plans: &'a PlanSet, each_item: bool) -> Self {
        Self { facts, plans, each_item, seen: BTreeSet::new(), tasks: 0 }
    }

    /// Visits a plan and its children. `given` are values for its parameters; `defaults` as in [`Frame::new`].
    pub(super) fn run(&mut self, plan: &Plan, given: &Symbolic, defaults: bool, visitor: &mut dyn Visitor) {
        let frame = Frame::new(self.facts, plan, given, defaults);
        visitor.plan(&frame);
        self.frame(&frame, plan.name.as_ref(), 1, visitor);
    }

    fn frame(&mut self, frame: &Frame<'_>, template: Option<&TemplateName>, depth: usize, visitor: &mut dyn Visitor) {
        for task in &frame.plan.tasks {
            for item in self.items(frame, task) {
                self.tasks += 1;
                self.task(frame, task, item, template, depth, visitor);
            }
        }
    }

    /// The items that a task is visited with.
    fn items(&self, frame: &Frame<'_>, task: &TaskPlan) -> Vec<Option<Symbolic>> {
        let Some(looping) = &task.looping else { return vec![None] };
        let items = frame.items(looping).unwrap_or_else(|e| Items::Unknown(e.message));
        match items {
            Items::Exact(items) if self.each_item && !items.is_empty() && self.tasks + items.len() <= MOST_TASKS => {
                items.into_iter().map(Some).collect()
            }
            items => vec![Some(items.any())],
        }
    }

    fn task(
        &mut self,
        frame: &Frame<'_>,
        task: &TaskPlan,
        item: Option<Symbolic>,
        template: Option<&TemplateName>,
        depth: usize,
        visitor: &mut dyn Visitor,
    ) {
        if let TaskKind::LoopTasks(plan) = &task.kind {
            let inner = frame.inner(plan, item.unwrap_or(Symbolic::NULL));
            return self.frame(&inner, template, depth, visitor);
        }
        let properties = with_item(frame, task, item);
        let site = Site { plan: frame.plan, task, template, properties: &properties };
        visitor.task(&site);
        if let TaskKind::Child = task.kind {
            let name = TemplateName::new(task.action.text().clone());
            self.child(&site, &name, None, &properties, depth, visitor);
        } else if task.signature.class == ActionClass::Embedded {
            self.embedded(&site, depth, visitor);
        }
    }

    fn embedded(&mut self, site: &Site<'_>, depth: usize, visitor: &mut dyn Visitor) {
        let parameters = site.properties.member("Parameters");
        if let Some(plan) = &site.task.inline {
            return self.below(site, "TemplateContent", plan, site.template, &parameters, depth, visitor);
        }
        if !site.properties.member("TemplateContent").is_null() {
            return visitor.unresolved(site.unresolved("TemplateContent"));
        }
        let version = site.properties.member("TemplateVersion");
        let Some(name) = site.properties.member("TemplateName").known_text() else {
            return visitor.unresolved(site.unresolved("TemplateName"));
        };
        let name = TemplateName::new(name);
        self.child(site, &name, version.known_text().as_deref(), &parameters, depth, visitor);
    }

    fn child(
        &mut self,
        site: &Site<'_>,
        name: &TemplateName,
        version: Option<&str>,
        given: &Symbolic,
        depth: usize,
        visitor: &mut dyn Visitor,
    ) {
        let Some(plan) = self.plans.named(name, version).cloned() else {
            visitor.missing(name, version);
            return visitor.unresolved(site.unresolved_as("TemplateName", format!("`{name}` is not at hand")));
        };
        self.below(site, "TemplateName", &plan, plan.name.as_ref().or(Some(name)), given, depth, visitor);
    }

    /// Visits the plan of a child. `template` is the template that its lines are lines of.
    #[expect(clippy::too_many_arguments, reason = "the parts of one child")]
    fn below(
        &mut self,
        site: &Site<'_>,
        property: &'static str,
        plan: &Plan,
        template: Option<&TemplateName>,
        given: &Symbolic,
        depth: usize,
        visitor: &mut dyn Visitor,
    ) {
        if depth >= self.facts.limits.template_depth {
            let name = template.map_or_else(|| "the template".to_owned(), |name| format!("`{name}`"));
            return visitor.unresolved(site.unresolved_as(property, format!("{name} is nested too deep")));
        }
        // Beyond the budget a child is still looked at, but with nothing known, so that it is looked at once.
        let given = if self.tasks < MOST_TASKS { given.clone() } else { Symbolic::unknown("parameters") };
        if !self.seen.insert((plan.digest.clone(), given.to_string())) {
            return;
        }
        let frame = Frame::new(self.facts, plan, &given, true);
        visitor.plan(&frame);
        self.frame(&frame, template, depth + 1, visitor);
    }
}

/// The properties of a task with a loop item; what would fail is not known.
fn with_item(frame: &Frame<'_>, task: &TaskPlan, item: Option<Symbolic>) -> Symbolic {
    let failed = |_| Symbolic::unknown("properties");
    match item {
        None => frame.properties(task).unwrap_or_else(failed),
        Some(item) => {
            let within = Frame {
                facts: frame.facts,
                plan: frame.plan,
                outer: frame.outer,
                parameters: frame.parameters.clone(),
                item: Some(item),
                tasks: frame.tasks.clone(),
                problems: Vec::new(),
            };
            within.properties(task).unwrap_or_else(failed)
        }
    }
}

/// Facts of a walk.
pub(super) fn facts(variables: &Value) -> Facts {
    Facts { variables: variables.clone(), ..Facts::default() }
}
