//! What a template would do, without running it: `cargo run --example plan -- TEMPLATE [--parameters FILE.json]`.
//!
//! `TEMPLATE` is a file. Its children are the embedded product actions and the files beside it. Printed are the dry
//! run, the permissions and the high-risk calls; `--json` prints them as one JSON document. Nothing is called.

#![expect(clippy::print_stdout, reason = "a program that prints")]

use std::{error::Error, fs, path::Path, sync::Arc};

use oos_actions::product::DirectoryTemplates;
use oos_core::{
    ActionName, Limits, Template, TemplateName, Value,
    analysis::{DryRunOptions, PermissionOptions, dry_run, link_computed, permissions, risks},
    machine::VerbRisk,
    params,
    plan::{Environment, LinkError, Plan, PlanSet},
    registry::ActionRegistry,
    source::SourceText,
};

const USAGE: &str = "usage: plan TEMPLATE [--parameters FILE.json] [--json]";

struct Arguments {
    template: String,
    parameters: Option<String>,
    json: bool,
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let (mut template, mut parameters, mut json) = (None, None, false);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--parameters" => parameters = Some(words.next().ok_or(USAGE)?),
                "--json" => json = true,
                _ if word.starts_with("--") || template.is_some() => return Err(USAGE.into()),
                _ => template = Some(word),
            }
        }
        Ok(Self { template: template.ok_or(USAGE)?, parameters, json })
    }
}

/// Compiles a template under a name.
fn compile(name: TemplateName, source: SourceText, environment: &Environment) -> Result<Plan, Box<dyn Error>> {
    let template = Template::parse_source(source, &environment.limits).map_err(|found| found.to_string())?;
    let plan = Plan::compile(&template, environment).map_err(|found| found.to_string())?;
    Ok(Plan { name: Some(name), ..plan })
}

/// The plans of all children that are known by name, or that the parameters name.
fn link(
    plan: &Plan,
    registry: &ActionRegistry,
    environment: &Environment,
    parameters: &Value,
) -> Result<PlanSet, LinkError> {
    let mut load = |name: &TemplateName, _: Option<&str>| {
        let stored = registry.action_template(&ActionName::new(name.text().clone()));
        let stored = stored.ok_or_else(|| LinkError::Missing { name: name.clone() })?;
        let invalid = |findings| LinkError::Invalid { name: name.clone(), findings };
        let template = Template::parse_source(stored.source.clone(), &Limits::default()).map_err(invalid)?;
        let plan = Plan::compile(&template, environment).map_err(invalid)?;
        Ok(Arc::new(Plan { name: Some(name.clone()), ..plan }))
    };
    let limit = environment.limits.template_depth;
    let mut plans = PlanSet::link(plan, limit, &mut load)?;
    let known = PermissionOptions { parameters: parameters.clone(), ..PermissionOptions::default() };
    link_computed(plan, &mut plans, &known, limit, &mut load);
    Ok(plans)
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let path = Path::new(&arguments.template);
    let text = fs::read_to_string(path).map_err(|e| format!("`{}`: {e}", arguments.template))?;
    let parameters = match &arguments.parameters {
        Some(file) => Value::from_json_str(&fs::read_to_string(file).map_err(|e| format!("`{file}`: {e}"))?)?,
        None => Value::empty_map(),
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let registry = oos_actions::standard().with_templates(DirectoryTemplates::open(folder)?);
    let environment = Environment::new(Arc::new(registry.clone()));
    let name = TemplateName::new(path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
    let plan = compile(name, SourceText::new(arguments.template.as_str(), text), &environment)?;
    let plans = link(&plan, &registry, &environment, &parameters)?;

    let run = dry_run(&plan, &plans, &parameters, &DryRunOptions::default());
    let permissions = permissions(&plan, &plans);
    let risks = risks(&plan, &plans, &VerbRisk);
    if arguments.json {
        let told = params! {
            "DryRun" => run.to_value(),
            "Permissions" => permissions.to_value(),
            "RiskyTasks" => risks.to_value(),
        };
        println!("{}", serde_json::to_string_pretty(&told.to_json())?);
    } else {
        println!("{run}\npermissions:\n{permissions}\nhigh-risk calls:\n{risks}");
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    run(&Arguments::read(std::env::args().skip(1))?)
}
