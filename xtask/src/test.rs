//! `cargo xtask test`: every check and every test, step by step.
//!
//! A step that fails does not keep later ones from running, unless they need what it makes. Its output is in a file, and
//! the end of that on the screen. The last line, `N passed, N failed`, counts single tests as their runners report them,
//! and each other step as one.

mod step;
mod summary;

use crate::shell;
use crate::tools;
use crate::workspace;
use anyhow::Result;
use std::collections::BTreeSet;
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::Instant;
use step::{Outcome, Step};

pub(crate) use step::with_browsers;

/// How much of a failed step's log goes to the screen.
const TAIL_LINES_MAX: usize = 60;

/// Arguments of `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run only this step and those that it needs (may be repeated)
    #[arg(long, value_name = "STEP", value_enum)]
    only: Vec<Step>,
}

/// Passed and failed checks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
}

/// Runs the steps and reports.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut total = Tally::default();
    let mut failed = BTreeSet::new();
    for step in step::plan(&args.only) {
        let blocked = step.needs().iter().find(|needed| failed.contains(*needed));
        let (tally, ok) = match blocked {
            Some(needed) => {
                println!(
                    "{:<14} FAILED  not run, because `{}` failed",
                    step.name(),
                    needed.name()
                );
                (Tally { passed: 0, failed: 1 }, false)
            }
            None => run_step(step)?,
        };
        total.passed += tally.passed;
        total.failed += tally.failed;
        if !ok {
            failed.insert(step);
        }
    }
    println!("\n{} passed, {} failed", total.passed, total.failed);
    Ok(if failed.is_empty() && total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn run_step(step: Step) -> Result<(Tally, bool)> {
    // Tools first: what they print is not part of the step's line or time.
    let ready = tools::ensure(&step.tools());
    print!("{:<14} ", step.name());
    stdout().flush()?;
    let start = Instant::now();
    let outcome = match ready {
        Ok(()) => step.run(),
        Err(error) => Outcome::not_done(&error),
    };
    let tally = outcome.tally();
    let ok = tally.failed == 0;
    let seconds = start.elapsed().as_secs_f32();
    println!(
        "{}  {seconds:>6.1} s  {}",
        if ok { "ok    " } else { "FAILED" },
        outcome.note
    );
    if !ok {
        let log = workspace::log(step.name());
        if log.exists() && outcome.has_run {
            println!("---- the end of {}", log.display());
            println!("{}\n----", shell::tail(&log, TAIL_LINES_MAX));
        }
    }
    Ok((tally, ok))
}
