//! `cargo xtask test`: every check and every test, step by step.
//!
//! When a step fails, later steps run all the same, unless they need what the step makes. The app is built beside the steps before it. The output of a step is in a file; of
//! a failed step, what its failed tests printed is shown, or the end of that file. The last line, `N passed, N failed`, counts single tests as their runners
//! report them, and each other step as one.
//!
//! With a name, a step runs only its tests of that name. A name that chooses nothing is a failure.

mod outcome;
mod select;
mod step;
mod summary;

use crate::shell;
use crate::tools;
use crate::workspace;
use anyhow::{Result, bail};
use outcome::{Outcome, Tally};
use select::TestName;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Write, stdout};
use std::panic::resume_unwind;
use std::path::Path;
use std::process::ExitCode;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use step::Step;

/// How much of a failed step's log goes to the screen.
const TAIL_LINES_MAX: usize = 60;

/// How much of what one failed test printed does: its first lines say why, the rest is where.
const FAILURE_LINES_MAX: usize = 12;

/// Arguments of `cargo xtask test`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Run only this step and those that it needs (may be repeated)
    #[arg(long, value_name = "STEP", value_enum)]
    only: Vec<Step>,
    /// Of the steps named by --only, run only tests whose name contains this text; for `sim`, only this scenario
    #[arg(last = true, value_name = "NAME")]
    name: Option<TestName>,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask test                                        everything
  cargo xtask test --only native -- a_burst_passes        tests on this machine
  cargo xtask test --only e2e -- talking::                end-to-end tests, here all of one topic
  cargo xtask test --only nat -- symmetric                homes behind NATs; needs root
  cargo xtask test --only wasm-chromium -- NAME           tests in Chromium; wasm-firefox: in Firefox
  cargo xtask test --only sim -- crash-50                 one scenario of the simulator

The steps native, sim, wasm-chromium, wasm-firefox, wasm-jsc, e2e and nat take a NAME. A NAME that no test has is a failure.";

impl Args {
    /// Refuses a name where it would choose nothing.
    fn check(&self) -> Result<()> {
        let Some(name) = &self.name else {
            return Ok(());
        };
        if self.only.is_empty() {
            bail!("say in which step to look for `{name}`, for example: cargo xtask test --only native -- {name}");
        }
        if let Some(step) = self.only.iter().find(|step| !step.has_single_tests()) {
            let step = step.name();
            bail!(
                "the step {step} has no single tests to choose from: run it whole, with cargo xtask test --only {step}"
            );
        }
        Ok(())
    }

    /// The name for a step; a step that only makes what another one needs is run whole.
    fn name_for(&self, step: Step) -> Option<&TestName> {
        self.name.as_ref().filter(|_| self.only.contains(&step))
    }
}

/// Runs the steps and reports.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    args.check()?;
    let mut total = Tally::default();
    let mut failed = BTreeSet::new();
    let steps = step::plan(&args.only);
    let mut early = steps.contains(&EARLY).then(|| Begun::new(EARLY, None));
    for step in steps {
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
            None => early
                .take_if(|begun| begun.step == step)
                .unwrap_or_else(|| Begun::new(step, args.name_for(step)))
                .report()?,
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

/// The step that begins before all others and goes on beside them: for minutes it keeps one core busy, and hardly ever a second one.
const EARLY: Step = Step::Build;

/// A step that runs.
struct Begun {
    step: Step,
    work: JoinHandle<(Outcome, Duration)>,
}

impl Begun {
    fn new(step: Step, name: Option<&TestName>) -> Self {
        // Tools first: their output is not part of the step's line or time.
        let ready = tools::ensure(&step.tools());
        let name = name.cloned();
        let work = thread::spawn(move || {
            let start = Instant::now();
            let outcome = match ready {
                Ok(()) => step.run(name.as_ref()),
                Err(error) => Outcome::not_done(&error),
            };
            (outcome, start.elapsed())
        });
        Self { step, work }
    }

    /// Waits for the end, and tells of it.
    fn report(self) -> Result<(Tally, bool)> {
        let step = self.step;
        print!("{:<14} ", step.name());
        stdout().flush()?;
        let (outcome, took) = self.work.join().unwrap_or_else(|panic| resume_unwind(panic));
        let tally = outcome.tally;
        let ok = tally.failed == 0;
        println!(
            "{}  {:>6.1} s  {}",
            if ok { "ok    " } else { "FAILED" },
            took.as_secs_f32(),
            outcome.note
        );
        if !ok && outcome.log_explains {
            explain(&workspace::log(step.name()));
        }
        Ok((tally, ok))
    }
}

/// Prints which tests failed and what they printed; where that is not known, the end of the log.
fn explain(log: &Path) {
    let Ok(bytes) = fs::read(log) else {
        return;
    };
    let failures = summary::failures(&String::from_utf8_lossy(&bytes));
    for failure in &failures {
        println!("---- failed: {}", failure.name);
        if let Some(printed) = &failure.printed {
            let lines: Vec<&str> = printed.lines().take(FAILURE_LINES_MAX).collect();
            println!("{}", lines.join("\n"));
        }
    }
    if failures.iter().any(|failure| failure.printed.is_some()) {
        println!("---- all of it: {}", log.display());
    } else {
        println!("---- the end of {}", log.display());
        println!("{}\n----", shell::tail(log, TAIL_LINES_MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn args(line: &str) -> Args {
        Line::try_parse_from(line.split(' ')).unwrap().args
    }

    #[test]
    fn a_name_goes_to_the_steps_that_were_asked_for() {
        let args = args("test --only e2e --only native -- talking");
        assert!(args.check().is_ok());
        assert_eq!(args.name_for(Step::E2e).unwrap().as_str(), "talking");
        assert_eq!(args.name_for(Step::Native).unwrap().as_str(), "talking");
        assert_eq!(args.name_for(Step::Build), None, "the end-to-end tests need it whole");
    }

    #[test]
    fn a_name_that_would_choose_nothing_is_refused_with_what_to_do() {
        let refused = |line: &str| args(line).check().unwrap_err().to_string();
        assert!(refused("test -- talking").contains("--only native -- talking"));
        assert!(refused("test --only native --only fmt -- talking").contains("cargo xtask test --only fmt"));
        assert!(args("test --only fmt").check().is_ok());
    }
}
