//! Every template of a folder, run on the fake cloud with made-up parameters: does each come to an end?
//!
//! `cargo run --release --example sweep -- TEMPLATES --actions ACTIONS`. One line a template, then a summary. A template
//! that is rejected, or neither ends nor waits for anybody within the bounds, makes the exit code 1; one that fails has
//! come to an end. How parameters are made stands in `oos_examples::sweep`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::{path::PathBuf, process::ExitCode, time::Instant};

use oos_examples::sweep::{Sum, Sweep, head};

fn main() -> ExitCode {
    match sweep(std::env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the summary says how long it took")]
fn sweep(arguments: impl Iterator<Item = String>) -> Result<bool, String> {
    let Asked { folder, actions, only, attempt } = read_arguments(arguments)?;
    // A panic is one line of the table, not a page of text.
    std::panic::set_hook(Box::new(|_| {}));
    let (sweep, start, mut sum) = (Sweep::new(&folder, actions.as_deref()), Instant::now(), Sum::default());
    let files =
        sweep.files()?.into_iter().filter(|p| only.as_deref().is_none_or(|o| p.file_stem().is_some_and(|s| s == o)));
    if let Some(attempt) = attempt {
        files.for_each(|path| println!("{}", sweep.explain(&path, attempt)));
        return Ok(true);
    }
    println!("{}", head());
    for path in files {
        let line = sweep.run(&path);
        println!("{line}");
        sum.add(&line);
    }
    println!("{sum}; {} ms", start.elapsed().as_millis());
    Ok(sum.not_ended() == 0)
}

/// What the arguments say.
#[derive(Debug, Default)]
struct Asked {
    folder: PathBuf,
    actions: Option<PathBuf>,
    only: Option<String>,
    attempt: Option<usize>,
}

fn read_arguments(mut given: impl Iterator<Item = String>) -> Result<Asked, String> {
    let usage = "usage: sweep TEMPLATES [--actions ACTIONS] [--only NAME [--explain TRY]]";
    let (mut asked, mut folder) = (Asked::default(), None);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--actions" => asked.actions = Some(PathBuf::from(given.next().ok_or(usage)?)),
            "--only" => asked.only = Some(given.next().ok_or(usage)?),
            "--explain" => asked.attempt = Some(given.next().and_then(|n| n.parse().ok()).ok_or(usage)?),
            _ if folder.is_none() && !argument.starts_with("--") => folder = Some(PathBuf::from(argument)),
            _ => return Err(format!("`{argument}` is not known; {usage}")),
        }
    }
    Ok(Asked { folder: folder.ok_or(usage)?, ..asked })
}
