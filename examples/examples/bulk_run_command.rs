//! The main job, offline: a shell command on every instance with a tag, two at a time, one of them started first.
//!
//! `cargo run --example bulk_run_command` needs nothing but the checkout. `--template FILE --parameters FILE.json` runs
//! any other template the same way.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::process::ExitCode;

use oos_core::{Template, Value, engine::StartOptions, machine::ExecutionStatus, source::SourceText, view};
use oos_examples::{Arguments, progress::Progress, read_json, read_text};
use oos_testkit::prelude::*;

const TEMPLATE: &str = include_str!("../templates/bulk_run_command.yml");

fn main() -> ExitCode {
    match run() {
        Ok(ExecutionStatus::Success) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<ExecutionStatus, String> {
    let arguments = Arguments::read(&["template", "parameters"])?;
    let source = match arguments.get("template") {
        Some(path) => SourceText::new(path, read_text(path)?),
        None => SourceText::new("bulk_run_command.yml", TEMPLATE),
    };
    let parameters = match (arguments.get("parameters"), arguments.get("template")) {
        (Some(path), _) => read_json(path)?,
        (None, Some(_)) => Value::empty_map(),
        (None, None) => params! { "tagKey" => "role", "tagValue" => "web", "command" => "uptime" },
    };

    let progress = std::sync::Arc::new(Progress::new());
    let bed = TestBed::new(three_instances()).observe(progress.clone());
    let run = bed.try_start_source(source.clone(), parameters, StartOptions::default())?;
    bed.run_to_end();
    progress.finish();

    let template = Template::parse_source(source, bed.engine().limits()).map_err(|found| found.render())?;
    let plan = bed.engine().compile(&template).map_err(|found| found.render())?;
    let trace = view::Trace::from_events(&run.events());
    println!("{}", view::text(&trace, &view::TextOptions { fold: false, ..Default::default() }));
    println!("{}", view::mermaid(&plan, Some(&trace)));
    println!("{} API calls, {} of virtual time", bed.cloud().calls().len(), oos_core::time::human(run.virtual_time()));
    println!("outputs: {}", serde_json::to_string_pretty(&run.outputs()).unwrap_or_default());
    Ok(run.status())
}

/// A cloud with three tagged instances, one of them stopped, and one that is somebody else's.
fn three_instances() -> FakeCloud {
    let cloud = FakeCloud::new();
    cloud.ecs().instances(2).named("web-{n}").running().tag("role", "web").create();
    let stopped = cloud.ecs().instance().stopped().tag("role", "web").create();
    cloud.ecs().instance().running().tag("role", "database").create();
    cloud.assistant().on_command(any()).on_instance(&stopped).then(exit(0).stdout("up 0 min").takes(secs(5)));
    cloud.assistant().default(exit(0).stdout("up 3 days"));
    cloud
}
