//! The steps of `cargo xtask test`, in the order in which they run: what is quick and likely to fail comes first.

use super::Tally;
use super::summary::{self, Summary};
use crate::shell::{self, Sink};
use crate::tools::{self, Browser, Tool};
use crate::workspace::{self, WASM};
use crate::{build, size};
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// How long all tests of one program may take in a browser, in seconds.
const BROWSER_TESTS_SECONDS: &str = "180";

/// One line of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(super) enum Step {
    /// `cargo fmt --check`
    Fmt,
    /// Clippy for the machine, warnings denied
    Clippy,
    /// Clippy for the browser, warnings denied
    ClippyWasm,
    /// The documentation builds without warnings
    Docs,
    /// Licences, bans, sources and advisories of all dependencies
    Deny,
    /// Tests on this machine
    Native,
    /// Every scenario of the simulator, with a few seeds
    Sim,
    /// Tests in headless Chromium
    WasmChromium,
    /// Tests in headless Firefox
    WasmFirefox,
    /// The release app and the server build
    Build,
    /// The first load stays within its budget
    Size,
    /// The real server with real browsers
    E2e,
}

/// The crates that run in a browser.
const BROWSER_CRATES: [&str; 6] = ["--package", "shared", "--package", "mesh", "--package", "web"];

/// The wanted steps with those they need, in order; all if none is wanted in particular.
pub(super) fn plan(only: &[Step]) -> BTreeSet<Step> {
    if only.is_empty() {
        return <Step as clap::ValueEnum>::value_variants().iter().copied().collect();
    }
    only.iter()
        .flat_map(|step| step.needs().iter().chain([step]))
        .copied()
        .collect()
}

/// What a step came to.
#[derive(Debug)]
pub(super) struct Outcome {
    /// A few words for the step's line.
    pub(super) note: String,
    /// Whether the log is this run's.
    pub(super) has_run: bool,
    tally: Tally,
}

impl Outcome {
    /// A step whose tools could not be had: failed, never skipped.
    pub(super) fn not_done(error: &anyhow::Error) -> Self {
        Self {
            note: format!("{error:#}"),
            has_run: false,
            tally: Tally { passed: 0, failed: 1 },
        }
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// A step that either holds or does not.
    fn check(result: Result<String>) -> Self {
        match result {
            Ok(note) => Self {
                note,
                has_run: true,
                tally: Tally { passed: 1, failed: 0 },
            },
            Err(error) => Self {
                note: format!("{error:#}"),
                has_run: true,
                tally: Tally { passed: 0, failed: 1 },
            },
        }
    }

    /// A step of counted tests, of which `runner` says whether it found everything well.
    fn tests(summary: Summary, runner: Result<()>) -> Self {
        let Summary {
            passed,
            mut failed,
            ignored,
        } = summary;
        let mut note = format!("{passed} passed");
        if failed > 0 {
            note = format!("{note}, {failed} failed");
        }
        if ignored > 0 {
            note = format!("{note}, {ignored} ignored");
        }
        match runner {
            // It did not compile, or a test program died before it could count.
            Err(error) if failed == 0 => {
                failed = 1;
                note = format!("{note}; {error:#}");
            }
            Ok(()) if passed + failed == 0 => {
                failed = 1;
                note = "no test was run".to_owned();
            }
            Ok(()) | Err(_) => {}
        }
        Self {
            note,
            has_run: true,
            tally: Tally { passed, failed },
        }
    }
}

impl Step {
    /// As typed after `--only`, and the name of the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::ClippyWasm => "clippy-wasm",
            Self::Docs => "docs",
            Self::Deny => "deny",
            Self::Native => "native",
            Self::Sim => "sim",
            Self::WasmChromium => "wasm-chromium",
            Self::WasmFirefox => "wasm-firefox",
            Self::Build => "build",
            Self::Size => "size",
            Self::E2e => "e2e",
        }
    }

    /// The steps without whose success this one makes no sense.
    pub(super) fn needs(self) -> &'static [Self] {
        match self {
            Self::Size | Self::E2e => &[Self::Build],
            Self::Fmt
            | Self::Clippy
            | Self::ClippyWasm
            | Self::Docs
            | Self::Deny
            | Self::Native
            | Self::Sim
            | Self::WasmChromium
            | Self::WasmFirefox
            | Self::Build => &[],
        }
    }

    /// What has to be installed.
    pub(super) fn tools(self) -> Vec<Tool> {
        match self {
            Self::Fmt => vec![Tool::Component("rustfmt")],
            Self::Clippy => vec![Tool::Component("clippy")],
            Self::ClippyWasm => vec![Tool::Component("clippy"), Tool::WasmTarget],
            Self::Docs | Self::Native | Self::Sim => Vec::new(),
            Self::Deny => vec![Tool::CargoDeny],
            Self::WasmChromium => vec![Tool::WasmTarget, Tool::WasmBindgen, Tool::Browser(Browser::Chromium)],
            Self::WasmFirefox => vec![Tool::WasmTarget, Tool::WasmBindgen, Tool::Browser(Browser::Firefox)],
            Self::Build | Self::Size => build::TOOLS.to_vec(),
            Self::E2e => vec![
                Tool::Browser(Browser::Chromium),
                Tool::Browser(Browser::Firefox),
                Tool::AxeCore,
            ],
        }
    }

    /// Runs the step; everything that its commands print goes to its log.
    pub(super) fn run(self) -> Outcome {
        let sink = match Sink::log(self.name()) {
            Ok(sink) => sink,
            Err(error) => return Outcome::not_done(&error),
        };
        let check = |mut command: Command| Outcome::check(sink.run(&mut command).map(|()| String::new()));
        match self {
            Self::Fmt => check(shell::cargo(&["fmt", "--all", "--check", "--", "--color", "never"])),
            Self::Clippy => {
                // Not all features: `bench-mesh` would build another project's protocol.
                let arguments = [
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--features",
                    "tests/e2e,tests/sim",
                    "--",
                    "-D",
                    "warnings",
                ];
                check(shell::cargo(&arguments))
            }
            Self::ClippyWasm => {
                let mut command = shell::cargo(&["clippy", "--all-targets", "--target", WASM]);
                command.args(BROWSER_CRATES).args(["--", "-D", "warnings"]);
                check(command)
            }
            Self::Docs => {
                let mut command = shell::cargo(&["doc", "--workspace", "--no-deps"]);
                command.env("RUSTDOCFLAGS", "-D warnings");
                check(command)
            }
            Self::Deny => Outcome::check(deny(&sink)),
            // `web` too: its state is plain Rust, tested here.
            Self::Native => self.tests(
                &sink,
                &mut shell::cargo(&["test", "--workspace", "--features", "mesh/sim", "--no-fail-fast"]),
            ),
            Self::Sim => {
                let mut command = crate::sim::command();
                command.args(["--peers", "50", "--seeds", "1..4"]);
                Outcome::check(sink.run(&mut command).map(|()| "every scenario, 3 seeds".to_owned()))
            }
            Self::WasmChromium => self.browser_tests(&sink, Browser::Chromium),
            Self::WasmFirefox => self.browser_tests(&sink, Browser::Firefox),
            Self::Build => Outcome::check(
                build::app(&sink)
                    .and_then(|()| build::server(&sink, "dev"))
                    .map(|()| "dist and signal".to_owned()),
            ),
            Self::Size => Outcome::check(size::check(&sink)),
            Self::E2e => match end_to_end() {
                Ok(mut command) => self.tests(&sink, &mut command),
                Err(error) => Outcome::not_done(&error),
            },
        }
    }

    fn tests(self, sink: &Sink, command: &mut Command) -> Outcome {
        let runner = sink.run(command);
        let log = fs::read(workspace::log(self.name())).unwrap_or_default();
        Outcome::tests(summary::parse(&String::from_utf8_lossy(&log)), runner)
    }

    fn browser_tests(self, sink: &Sink, browser: Browser) -> Outcome {
        let driver = match browser.driver() {
            Ok(driver) => driver,
            Err(error) => return Outcome::not_done(&error),
        };
        // Without `--tests`, cargo would want to run documentation tests in the browser, too.
        let mut command = shell::cargo(&["test", "--tests", "--no-fail-fast", "--target", WASM]);
        command
            .args(BROWSER_CRATES)
            // The runner takes the first driver that it finds named, so only one may be.
            .env_remove("CHROMEDRIVER_REMOTE")
            .env_remove("GECKODRIVER_REMOTE")
            .env_remove("CHROMEDRIVER")
            .env_remove("GECKODRIVER")
            .env(browser.driver_variable(), driver)
            // Tests that do not say where they want to run would run in Node.
            .env("WASM_BINDGEN_USE_BROWSER", "1")
            .env("WASM_BINDGEN_TEST_TIMEOUT", BROWSER_TESTS_SECONDS)
            // To listen; five seconds otherwise.
            .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "30");
        self.tests(sink, &mut command)
    }
}

/// The end-to-end tests have to be asked for by a feature, so that a plain `cargo test` needs no browsers.
fn end_to_end() -> Result<Command> {
    let mut command = shell::cargo(&["test", "--package", "tests", "--features", "e2e", "--test", "e2e"]);
    with_browsers(&mut command, "debug")?;
    command.env("AXE_CORE", tools::axe_core()?);
    Ok(command)
}

/// Tells a program of `tests` where the app, the server and the browsers' drivers are.
pub(crate) fn with_browsers(command: &mut Command, profile: &str) -> Result<()> {
    command
        .env("STARLING_TEST_DIST", workspace::dist())
        .env("STARLING_TEST_SIGNAL", workspace::server(profile));
    for browser in [Browser::Chromium, Browser::Firefox] {
        command.env(browser.driver_variable(), browser.driver()?);
    }
    Ok(())
}

/// Checks dependencies. The advisories live in a database elsewhere: without it, the rest is still checked.
fn deny(sink: &Sink) -> Result<String> {
    let fetched = sink
        .status(&mut shell::cargo(&["deny", "fetch", "db"]))
        .context("cannot start cargo-deny")?;
    let mut check = shell::cargo(&["deny", "check"]);
    if fetched.success() {
        check.arg("advisories");
    }
    check.args(["bans", "licenses", "sources"]);
    sink.run(&mut check)?;
    Ok(if fetched.success() {
        String::new()
    } else {
        "advisories NOT checked: their database cannot be reached from here".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;
    use clap::ValueEnum;

    #[test]
    fn names_are_those_of_the_command_line() {
        for step in Step::value_variants() {
            assert_eq!(step.to_possible_value().unwrap().get_name(), step.name());
        }
    }

    #[test]
    fn a_plan_brings_what_a_step_needs_before_it() {
        assert_eq!(
            plan(&[Step::E2e, Step::Fmt]).into_iter().collect::<Vec<_>>(),
            [Step::Fmt, Step::Build, Step::E2e]
        );
        assert_eq!(plan(&[]).len(), Step::value_variants().len());
        for step in Step::value_variants() {
            assert!(
                step.needs()
                    .iter()
                    .all(|needed| needed < step && needed.needs().is_empty())
            );
        }
    }

    #[test]
    fn a_runner_that_fails_without_a_count_is_one_failure() {
        let counted = Summary {
            passed: 3,
            failed: 0,
            ignored: 0,
        };
        let outcome = Outcome::tests(counted, Err(anyhow!("could not compile")));
        assert_eq!(outcome.tally(), Tally { passed: 3, failed: 1 });
        let counted = Summary {
            passed: 3,
            failed: 2,
            ignored: 0,
        };
        assert_eq!(
            Outcome::tests(counted, Err(anyhow!("failed"))).tally(),
            Tally { passed: 3, failed: 2 }
        );
    }

    #[test]
    fn no_tests_are_a_failure() {
        assert_eq!(
            Outcome::tests(Summary::default(), Ok(())).tally(),
            Tally { passed: 0, failed: 1 }
        );
    }
}
