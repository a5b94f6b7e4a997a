//! What a template, or a finished run, may do in the cloud: the policy of GenerateExecutionPolicy (service-model 6.3).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use super::{
    arn,
    evaluate::describe,
    frame::Frame,
    line_of,
    policy::{Coverage, Effect, Need, Policy, Statement, covers},
    published::published,
    ram_action,
    symbolic::Symbolic,
    walk::{Site, Unresolved, Visitor, Walk, facts},
};
use crate::{
    TemplateName, Value,
    catalogue::{Catalogue, Repeat},
    expr::Target,
    plan::{Plan, PlanSet},
    ports::action::ActionClass,
};

/// The parameter in which calls hand a role over to a resource (general rule of RAM, service-model 6.3).
const HANDED_ROLE: &str = "RamRoleName";

/// What is known before.
#[derive(Clone, Debug, Default)]
pub struct PermissionOptions {
    /// Values for the parameters of the template, a map; null looks at literal values only, as the service does.
    pub parameters: Value,
    /// True to name resources where parameters of calls name them, instead of `*`.
    pub resources: bool,
    /// System variables by the name after `ACS::`.
    pub variables: Value,
    /// True to list as well what the service's list does not have and a run may need: the reads by which a resumed run
    /// finds out whether a write was carried out, and `ram:PassRole` where a call hands over a role.
    pub complete: bool,
}

impl PermissionOptions {
    /// What the parameters are, and whether those that are not given take their defaults.
    pub(super) fn given(&self) -> (Symbolic, bool) {
        match &self.parameters {
            Value::Null => (Symbolic::unknown("parameters"), false),
            parameters => (Symbolic::Known(parameters.clone()), true),
        }
    }
}

/// A role that a template runs as.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleUse {
    /// The template, when it has a name.
    pub template: Option<TemplateName>,
    /// The line of `RamRole`, from 1.
    pub line: Option<usize>,
    /// The role or chain of roles; not known when a parameter decides and has no value.
    pub role: Symbolic,
    /// The expression as people write it.
    pub text: String,
}

/// Permissions, and what could not be told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Permissions {
    /// Actions with their resources, one statement per product, or per product and set of resources.
    pub statements: Vec<Statement>,
    /// What only a run will tell.
    pub unresolved: Vec<Unresolved>,
    /// Roles that are, or may be, assumed. An empty role is none: the caller's own identity acts.
    pub roles: Vec<RoleUse>,
    /// What to know beside.
    pub notes: Vec<String>,
}

impl Permissions {
    /// The policy that the role, or the caller, needs.
    pub fn policy(&self) -> Policy {
        Policy { statements: self.statements.clone() }
    }

    /// Every action with every resource.
    pub fn needs(&self) -> Vec<Need> {
        let pairs = |s: &Statement| {
            let resources = s.resources.clone();
            s.actions.clone().into_iter().flat_map(move |action| {
                resources.clone().into_iter().map(move |resource| Need { action: action.clone(), resource })
            })
        };
        self.statements.iter().flat_map(pairs).collect()
    }

    /// All actions, sorted.
    pub fn actions(&self) -> Vec<Arc<str>> {
        self.statements.iter().flat_map(|s| s.actions.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Compares a policy with these permissions.
    pub fn covered_by(&self, policy: &Policy) -> Coverage {
        covers(policy, &self.needs())
    }

    /// What the caller needs to assume the roles whose names are known: `sts:AssumeRole` on the first role of each
    /// chain; the further ones are assumed by the role before them (service-model 6.2).
    pub fn caller_policy(&self) -> Policy {
        let first = |role: &RoleUse| role.role.known_text().and_then(|chain| first_hop(&chain));
        let resources: BTreeSet<Arc<str>> = self.roles.iter().filter_map(first).collect();
        let resources: Vec<_> = resources.into_iter().collect();
        let statement =
            Statement { effect: Effect::Allow, actions: vec!["sts:AssumeRole".into()], resources: resources.clone() };
        Policy { statements: if resources.is_empty() { Vec::new() } else { vec![statement] } }
    }

    /// Policy, roles, what is unresolved and notes as JSON.
    pub fn to_value(&self) -> Value {
        let roles =
            self.roles.iter().map(|r| crate::params! { "RamRole" => r.text.clone(), "Role" => r.role.to_value() });
        crate::params! {
            "Policy" => self.policy().to_value(),
            "CallerPolicy" => self.caller_policy().to_value(),
            "Roles" => roles.collect::<Value>(),
            "Unresolved" => self.unresolved.iter().map(|u| Value::from(u.to_string())).collect::<Value>(),
            "Notes" => self.notes.clone(),
        }
    }
}

/// The policy, then one line for each role, each thing unresolved, each note.
impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.policy())?;
        for role in &self.roles {
            writeln!(f, "assumes: {}", role.role)?;
        }
        for unresolved in &self.unresolved {
            writeln!(f, "unresolved: {unresolved}")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

/// The ARN of the first role of a chain `[role] ("|" role)*`, `role = [account "/"] name` or an ARN.
fn first_hop(chain: &str) -> Option<Arc<str>> {
    let first = chain.split('|').map(str::trim).find(|role| !role.is_empty())?;
    if first.starts_with("acs:") {
        return Some(first.into());
    }
    let (account, name) = first.split_once('/').unwrap_or((arn::ANY, first));
    Some(format!("acs:ram::{account}:role/{}", name.to_ascii_lowercase()).into())
}

/// The permissions of a template and its children, as GenerateExecutionPolicy lists them.
pub fn permissions(plan: &Plan, plans: &PlanSet) -> Permissions {
    permissions_with(plan, plans, &PermissionOptions::default())
}

/// The permissions of a template with values for its parameters, or with resources.
pub fn permissions_with(plan: &Plan, plans: &PlanSet, options: &PermissionOptions) -> Permissions {
    let facts = facts(&options.variables);
    let mut collector = Collector { resources: options.resources, complete: options.complete, ..Collector::default() };
    let (given, defaults) = options.given();
    Walk::new(&facts, plans, options.resources).run(plan, &given, defaults, &mut collector);
    collector.finish()
}

/// The permissions that calls of a finished run needed: service, operation, and resources, none meaning any.
pub fn used(calls: impl IntoIterator<Item = (String, String, Vec<String>)>) -> Permissions {
    let mut needs = BTreeSet::new();
    for (service, api, resources) in calls {
        let action = ram_action(&service, &api);
        let any = resources.is_empty().then(|| arn::ANY.to_owned());
        needs.extend(resources.into_iter().chain(any).map(|r| Need { action: action.clone(), resource: r.into() }));
    }
    Permissions { statements: policy_of(&needs).statements, ..Permissions::default() }
}

/// Statements of permissions: one per product and set of resources, actions sorted. Any resource takes in the rest.
pub(super) fn policy_of<'n>(needs: impl IntoIterator<Item = &'n Need>) -> Policy {
    let mut by_action: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
    for need in needs {
        by_action.entry(need.action.clone()).or_default().insert(need.resource.clone());
    }
    let mut statements: BTreeMap<_, Vec<Arc<str>>> = BTreeMap::new();
    for (action, mut resources) in by_action {
        if resources.contains(arn::ANY) {
            resources = BTreeSet::from([arn::ANY.into()]);
        }
        let product = action.split(':').next().unwrap_or_default().to_owned();
        statements.entry((product, resources)).or_default().push(action);
    }
    let statements = statements.into_iter().map(|((_, resources), actions)| Statement {
        effect: Effect::Allow,
        actions,
        resources: resources.into_iter().collect(),
    });
    Policy { statements: statements.collect() }
}

#[derive(Default)]
struct Collector {
    resources: bool,
    complete: bool,
    needs: BTreeSet<Need>,
    unresolved: BTreeSet<Unresolved>,
    roles: Vec<RoleUse>,
    notes: BTreeSet<String>,
}

impl Collector {
    fn call(&mut self, service: &str, api: &str, parameters: &Symbolic) {
        let action = ram_action(service, api);
        let resources = match self.resources {
            true => arn::resources(service, api, parameters),
            false => BTreeSet::from([arn::ANY.into()]),
        };
        self.needs.extend(resources.into_iter().map(|resource| Need { action: action.clone(), resource }));
    }

    fn api_call(&mut self, site: &Site<'_>) {
        let text = |key: &str| site.properties.member(key).known_text();
        match (text("Service"), text("API")) {
            (Some(service), Some(api)) => {
                let parameters = site.properties.member("Parameters");
                self.call(&service, &api, &parameters);
                if self.complete {
                    self.beside(&service, &api, &parameters);
                }
            }
            (service, api) => {
                let open = [("Service", service), ("API", api)].into_iter().filter(|(_, known)| known.is_none());
                self.unresolved.extend(open.map(|(property, _)| site.unresolved(property)));
            }
        }
    }

    /// What a call may need beside its own permission.
    fn beside(&mut self, service: &str, api: &str, parameters: &Symbolic) {
        let operation = Catalogue::embedded().operation(service, api, None);
        let Some(operation) = operation.filter(|o| !o.is_read()) else { return };
        if let Some(probe) = operation.probe().filter(|_| operation.repeat() == Repeat::Probe) {
            self.call(service, probe.read, &Symbolic::NULL);
        }
        let role = parameters.member(HANDED_ROLE);
        let hands_over = !operation.api.starts_with("Detach") && !operation.product.eq_ignore_ascii_case("ram");
        if hands_over && !role.is_null() {
            let name = role.known_text().unwrap_or_else(|| arn::ANY.into());
            let resource = format!("acs:ram::*:role/{}", name.to_ascii_lowercase()).into();
            self.needs.insert(Need { action: "ram:PassRole".into(), resource });
        }
    }

    /// What the action calls of its own accord.
    fn own_calls(&mut self, site: &Site<'_>) {
        let (task, action) = (&site.task.name, &site.task.action);
        let found = published(&site.task.signature, site.properties);
        for call in found.calls {
            self.call(&call.service, &call.api, &Symbolic::NULL);
        }
        for (property, value) in found.unfit {
            self.unresolved.insert(site.unresolved_as(property, format!("`{value}` is none that `{action}` knows")));
        }
        for property in found.open {
            let note = format!("task `{task}` computes its {property}, so the calls of all values are listed");
            self.notes.insert(note);
        }
    }

    fn finish(self) -> Permissions {
        Permissions {
            statements: policy_of(&self.needs).statements,
            unresolved: self.unresolved.into_iter().collect(),
            roles: self.roles,
            notes: self.notes.into_iter().collect(),
        }
    }
}

impl Visitor for Collector {
    fn plan(&mut self, frame: &Frame<'_>) {
        let mut stored = BTreeSet::new();
        frame.plan.expressions(&mut |expr| {
            expr.references(&mut |r| {
                if let Target::Store(reference) = &r.target {
                    stored.insert(reference.to_string());
                }
            });
        });
        self.notes.extend(stored.iter().map(|name| format!("the stored parameter `{name}` is read as well")));
        let Some(expr) = &frame.plan.ram_role else { return };
        let role = frame.evaluate(expr).unwrap_or_else(|e| Symbolic::unknown(&*e.message));
        let empty = role.known().is_some() && role.known_text().is_none();
        let (template, line) = (frame.plan.name.clone(), line_of(frame.plan, expr.span));
        let role = RoleUse { template, line, role, text: describe(expr) };
        if !empty && !self.roles.contains(&role) {
            self.roles.push(role);
        }
    }

    fn task(&mut self, site: &Site<'_>) {
        if site.task.signature.calls_api {
            self.api_call(site);
        }
        self.own_calls(site);
        let signature = &site.task.signature;
        if signature.class == ActionClass::Custom && signature.calls.is_none() && !signature.calls_api {
            let action = &site.task.action;
            self.notes.insert(format!("`{action}` is an action of the host; what it calls is not known"));
        }
    }

    fn unresolved(&mut self, unresolved: Unresolved) {
        self.unresolved.insert(unresolved);
    }
}
