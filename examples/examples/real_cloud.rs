//! The main job against a real account: a shell command on every instance with a tag.
//!
//! ```text
//! OOS_TAG_KEY=role OOS_TAG_VALUE=web OOS_COMMAND=uptime \
//!   cargo run -p oos-examples --features real-cloud --example real_cloud
//! ```
//!
//! It prints what would be called, for how many instances at a time, and the RAM policy that this takes; nothing is
//! called and no credential is needed. With `--execute` it really runs. `--template FILE --parameters FILE.json` takes
//! any other template.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `ALIBABA_CLOUD_REGION_ID` | region | `cn-hangzhou` |
//! | `OOS_TAG_KEY`, `OOS_TAG_VALUE` | which instances | must be given |
//! | `OOS_COMMAND` | the command | `uptime` |
//! | `OOS_CONCURRENCY` | instances at a time | 2 |
//! | `ALIBABA_CLOUD_ACCESS_KEY_ID`, `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, … | credentials, as the default chain reads them | |
//! | `ALIBABA_CLOUD_ENDPOINT` | one address for every product, e.g. that of `fake_endpoint` | by product and region |

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::{process::ExitCode, sync::Arc};

use oos_aliyun::Client;
use oos_core::{Value, machine::ExecutionStatus, params, source::SourceText};
use oos_examples::{Arguments, progress::Progress, read_json, read_text, real_cloud::Job};

const TEMPLATE: &str = include_str!("../templates/bulk_run_command.yml");
const NO_CREDENTIAL: &str = "\
no credential was found, and --execute needs one.
Set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or give a profile in ~/.aliyun/config.json.
Without --execute nothing is called and none is needed.";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a program reads its environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn job(arguments: &Arguments) -> Result<Job, String> {
    let region = variable("ALIBABA_CLOUD_REGION_ID").unwrap_or_else(|| "cn-hangzhou".to_owned());
    let template = match arguments.get("template") {
        Some(path) => SourceText::new(path, read_text(path)?),
        None => SourceText::new("bulk_run_command.yml", TEMPLATE),
    };
    let needed = |name: &str| variable(name).ok_or_else(|| format!("{name} is not set: it says which instances"));
    let parameters = match (arguments.get("parameters"), arguments.get("template")) {
        (Some(path), _) => read_json(path)?,
        (None, Some(_)) => Value::empty_map(),
        (None, None) => params! {
            "tagKey" => needed("OOS_TAG_KEY")?, "tagValue" => needed("OOS_TAG_VALUE")?,
            "command" => variable("OOS_COMMAND").unwrap_or_else(|| "uptime".to_owned()),
            "concurrency" => match variable("OOS_CONCURRENCY") {
                Some(text) => text.parse::<u32>().map_err(|_| format!("OOS_CONCURRENCY: `{text}` is no number"))?,
                None => 2,
            },
        },
    };
    Ok(Job { template, parameters, region })
}

fn run() -> Result<bool, String> {
    let (flags, named): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word == "--execute");
    let arguments = Arguments::parse(named.into_iter(), &["template", "parameters"])?;
    let job = job(&arguments)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    if flags.is_empty() {
        println!("{}", runtime.block_on(job.plan())?);
        println!("Nothing was called. With --execute it runs in {}.", job.region);
        return Ok(true);
    }
    runtime.block_on(execute(&job))
}

async fn execute(job: &Job) -> Result<bool, String> {
    let cloud = Client::builder().region(job.region.as_str()).build().map_err(|e| e.to_string())?;
    // Asked for first, so that a missing one is told before anything is done.
    cloud.credential("").await.map_err(|error| format!("{error}\n{NO_CREDENTIAL}"))?;
    let progress = Arc::new(Progress::new());
    let ended = job.execute(cloud, progress.clone(), |engine| engine).await;
    progress.finish();
    let ended = ended?;
    println!("{}", ended.tasks);
    println!("outputs: {}", serde_json::to_string_pretty(&ended.outputs.to_json()).unwrap_or_default());
    Ok(ended.status == ExecutionStatus::Success)
}
