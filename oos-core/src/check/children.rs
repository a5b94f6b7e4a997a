//! Children of `ACS::Template` that are known before the run: their parameters, and whether they can run at all.

use std::sync::Arc;

use super::{arguments::Arguments, rules::child_has_no_trigger, walk::is_plain};
use crate::{
    ActionName, TemplateName,
    diagnostic::{Code, Diagnostic, Diagnostics, Severity},
    plan::{Environment, LinkError, Plan, PlanSet, document, is_document},
    ports::action::{ActionClass, Property},
    source::{Node, Span},
    template::{Description, Task, Template, meant_type},
};

/// The parameters of a template as properties of whatever runs it.
pub(crate) fn declared(template: &Template) -> Vec<Property> {
    let property = |parameter: &crate::template::Parameter| Property {
        name: parameter.name.value.text().clone(),
        types: vec![meant_type(parameter.value_type.as_ref())],
        required: parameter.default.is_none(),
        default: parameter.default.as_ref().map(Node::to_value),
        allowed: parameter
            .allowed_values
            .as_ref()
            .and_then(|values| Some(values.as_list()?.iter().map(Node::to_value).collect()))
            .unwrap_or_default(),
        description: parameter
            .console("Description")
            .and_then(|d| Description(d).text("en"))
            .unwrap_or_default()
            .into(),
    };
    template.parameters.iter().map(property).collect()
}

pub(super) fn check(template: &Template, plan: &Plan, environment: &Environment, found: &mut Diagnostics) {
    for (i, (task, compiled)) in template.tasks.iter().zip(&plan.tasks).enumerate() {
        if compiled.signature.class != ActionClass::Embedded {
            continue;
        }
        let pointer = format!("/Tasks/{i}/Properties");
        if let Some((name, place, declared)) = child(task, environment) {
            parameters(&name, place, &declared, task, format!("{pointer}/Parameters"), found);
        }
        if let Some(plan) = &compiled.inline {
            let first = plan.tasks.first().and_then(|t| t.span);
            child_has_no_trigger(plan, first, &format!("{pointer}/TemplateContent"), found);
        }
    }
}

/// Name, place and parameters of a child that is named literally or written in place.
fn child(task: &Task, environment: &Environment) -> Option<(String, Option<Span>, Vec<Property>)> {
    let properties = task.properties.as_ref()?;
    if let Some(node) = properties.get("TemplateName").filter(|node| is_plain(node)) {
        let name = node.as_str()?;
        let signature = environment.actions.signature(&ActionName::new(name))?;
        let known = matches!(signature.class, ActionClass::Product) && !signature.open;
        return known.then(|| (name.to_owned(), node.span, signature.properties.clone()));
    }
    let (key, content) = properties.entry("TemplateContent").filter(|(_, node)| is_document(node))?;
    let inner = Template::from_node(&document(content), None, &environment.limits).ok()?;
    Some(("TemplateContent".to_owned(), key.span, declared(&inner)))
}

fn parameters(
    owner: &str,
    place: Option<Span>,
    declared: &[Property],
    task: &Task,
    pointer: String,
    found: &mut Diagnostics,
) {
    let node = task.properties.as_ref().and_then(|p| p.get("Parameters")).filter(|n| !n.is_null());
    let arguments = Arguments {
        owner,
        noun: "parameter",
        declared,
        class: ActionClass::Product,
        open: false,
        missing: Code::CHILD_PARAMETER,
        unknown: (Code::CHILD_PARAMETER, Severity::Warning),
        place: place.or(task.action.span),
        pointer,
    };
    match node {
        None => arguments.check(&[], found),
        // What one reference or function gives is known at run time only.
        Some(node) if !is_plain(node) => arguments.missing(&[], Severity::Warning, found),
        Some(node) => {
            if let Some(map) = node.as_map() {
                arguments.check(map, found);
            }
        }
    }
}

/// Compiles a template by name and version.
pub type Load<'l> = dyn FnMut(&TemplateName, Option<&str>) -> Result<Arc<Plan>, LinkError> + 'l;

/// Findings about the children that a plan names, at the tasks that name them: templates that call themselves, nest
/// too deep, do not exist, do not compile, or begin with a trigger.
///
/// Compiling a plan never looks into its children; an editor or a build step calls this in addition, and an engine
/// finds the same when it links the plan.
pub fn children(template: &Template, plan: &Plan, limit: usize, load: &mut Load<'_>) -> Diagnostics {
    let mut found = Diagnostics::new(template.source.clone());
    for child in &plan.children {
        let alone = Plan { children: vec![child.clone()], ..plan.clone() };
        let Some(task) = template.tasks.get(child.task) else { continue };
        match PlanSet::link(&alone, limit, load) {
            Err(error) => found.push(unlinked(&error, task, child.task, &child.name)),
            Ok(set) => {
                let linked = set.named(&child.name, child.version.as_deref());
                let (span, pointer) = place(task, child.task);
                linked.iter().for_each(|plan| child_has_no_trigger(plan, span, &pointer, &mut found));
            }
        }
    }
    found.sort();
    found
}

/// Where a task names its child.
fn place(task: &Task, index: usize) -> (Option<Span>, String) {
    match task.properties.as_ref().and_then(|p| p.get("TemplateName")).filter(|_| task.action.value.is("ACS::Template"))
    {
        Some(node) => (node.span.or(task.action.span), format!("/Tasks/{index}/Properties/TemplateName")),
        None => (task.action.span, format!("/Tasks/{index}/Action")),
    }
}

fn unlinked(error: &LinkError, task: &Task, index: usize, name: &TemplateName) -> Diagnostic {
    let (span, pointer) = place(task, index);
    let finding = |code| Diagnostic::error(code, error.to_string(), span, pointer.clone());
    match error {
        LinkError::Recursion { .. } => finding(Code::RECURSION),
        LinkError::Depth { .. } => finding(Code::LIMIT_DEPTH),
        // The template may be stored later.
        LinkError::Missing { .. } => Diagnostic { severity: Severity::Warning, ..finding(Code::UNUSABLE_CHILD) },
        LinkError::Invalid { name: of, findings } => {
            let finding = finding(Code::UNUSABLE_CHILD);
            let first = findings.iter().find(|f| f.severity == Severity::Error);
            let finding = match first {
                Some(first) => finding.help(format!("the first of its errors is: {}", first.message)),
                None => finding,
            };
            if of == name { finding } else { finding.label(format!("needed by `{name}`")) }
        }
    }
}
