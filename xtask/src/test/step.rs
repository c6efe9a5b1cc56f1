//! The steps of `cargo xtask test`, in the order in which they run: quick steps that are likely to fail come first.

use super::outcome::Outcome;
use super::select::TestName;
use super::summary;
use crate::shell::{self, Sink};
use crate::tools::{Browser, Tool};
use crate::workspace::{self, WASM};
use crate::{build, compat, packages, size};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread;

/// How many tests with real browsers run at once at most: each has two or three browsers, of half a gigabyte each.
const BROWSER_TESTS_MAX: usize = 4;

/// How long all tests of one program may take in a browser, in seconds.
const BROWSER_TESTS_SECONDS: &str = "180";

/// How the simulator ends when it does not understand its arguments (clap's exit code for a wrong usage).
const WRONG_ARGUMENTS: i32 = 2;

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
    /// Tests of the core in JavaScriptCore, the engine of Safari
    WasmJsc,
    /// The release app and the server build
    Build,
    /// The first load stays within its budget
    Size,
    /// The page uses nothing that a supported browser lacks
    Compat,
    /// The real server with real browsers
    E2e,
    /// The same with homes behind NATs of every kind, in network namespaces: needs root
    Nat,
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
            Self::WasmJsc => "wasm-jsc",
            Self::Build => "build",
            Self::Size => "size",
            Self::Compat => "compat",
            Self::E2e => "e2e",
            Self::Nat => "nat",
        }
    }

    /// The steps that must succeed before this one.
    pub(super) fn needs(self) -> &'static [Self] {
        match self {
            Self::Size | Self::Compat | Self::E2e | Self::Nat => &[Self::Build],
            Self::Fmt
            | Self::Clippy
            | Self::ClippyWasm
            | Self::Docs
            | Self::Deny
            | Self::Native
            | Self::Sim
            | Self::WasmChromium
            | Self::WasmFirefox
            | Self::WasmJsc
            | Self::Build => &[],
        }
    }

    /// The tools that have to be installed.
    pub(super) fn tools(self) -> Vec<Tool> {
        match self {
            Self::Fmt => vec![Tool::Component("rustfmt")],
            Self::Clippy => vec![Tool::Component("clippy")],
            Self::ClippyWasm => vec![Tool::Component("clippy"), Tool::WasmTarget],
            Self::Docs | Self::Sim => Vec::new(),
            Self::Native => vec![Tool::Tmux, Tool::Redis, Tool::Haproxy],
            Self::Deny => vec![Tool::CargoDeny],
            Self::WasmChromium => vec![Tool::WasmTarget, Tool::WasmBindgen, Tool::Browser(Browser::Chromium)],
            Self::WasmFirefox => vec![Tool::WasmTarget, Tool::WasmBindgen, Tool::Browser(Browser::Firefox)],
            Self::WasmJsc => vec![Tool::WasmTarget, Tool::WasmBindgen, Tool::Bun],
            Self::Build | Self::Size => build::TOOLS.to_vec(),
            Self::Compat => vec![Tool::CompatData],
            Self::E2e => vec![
                Tool::Browser(Browser::Chromium),
                Tool::Browser(Browser::Firefox),
                Tool::AxeCore,
                Tool::Redis,
            ],
            Self::Nat => vec![
                Tool::Browser(Browser::Chromium),
                Tool::Browser(Browser::Firefox),
                Tool::Namespaces,
            ],
        }
    }

    /// Whether the step has single tests, so that a name can choose among them.
    pub(super) fn has_single_tests(self) -> bool {
        match self {
            Self::Native
            | Self::Sim
            | Self::WasmChromium
            | Self::WasmFirefox
            | Self::WasmJsc
            | Self::E2e
            | Self::Nat => true,
            Self::Fmt
            | Self::Clippy
            | Self::ClippyWasm
            | Self::Docs
            | Self::Deny
            | Self::Build
            | Self::Size
            | Self::Compat => false,
        }
    }

    /// Runs the step, or of its tests those that `name` chooses. Everything that the commands print goes to the step's log.
    pub(super) fn run(self, name: Option<&TestName>) -> Outcome {
        let sink = match Sink::log(self.name()) {
            Ok(sink) => sink,
            Err(error) => return Outcome::not_done(&error),
        };
        let check = |mut command: Command| Outcome::check(sink.run(&mut command).map(|()| String::new()));
        match self {
            Self::Fmt => check(shell::cargo(&["fmt", "--all", "--check", "--", "--color", "never"])),
            Self::Clippy => check(clippy()),
            Self::ClippyWasm => check(clippy_wasm()),
            Self::Docs => {
                let mut command = shell::cargo(&["doc", "--workspace", "--no-deps", "--features", ALL]);
                command.env("RUSTDOCFLAGS", "-D warnings");
                check(command)
            }
            Self::Deny => Outcome::check(deny(&sink)),
            Self::Native => self.tests(&sink, native(), name),
            Self::Sim => Outcome::check(simulate(&sink, name)),
            Self::WasmChromium => self.prepared(&sink, in_browser(Browser::Chromium), name),
            Self::WasmFirefox => self.prepared(&sink, in_browser(Browser::Firefox), name),
            Self::WasmJsc => self.prepared(&sink, in_javascriptcore(), name),
            Self::Build => Outcome::check(
                build::app(&sink)
                    .and_then(|()| sink.run(&mut program("signal")))
                    .map(|()| "dist and signal".to_owned()),
            ),
            Self::Size => Outcome::check(size::check(&sink)),
            Self::Compat => Outcome::check(compat::check(&sink)),
            Self::E2e => self.prepared(&sink, end_to_end(), name),
            Self::Nat => self.prepared(&sink, behind_nats(), name),
        }
    }

    /// The same with a command that could not be made if something is missing.
    fn prepared(self, sink: &Sink, command: Result<Command>, name: Option<&TestName>) -> Outcome {
        match command {
            Ok(command) => self.tests(sink, command, name),
            Err(error) => Outcome::not_done(&error),
        }
    }

    /// Runs a `cargo test` and counts what it reports.
    fn tests(self, sink: &Sink, mut command: Command, name: Option<&TestName>) -> Outcome {
        if let Some(name) = name {
            command.args(["--", name.as_str()]);
        }
        let runner = sink.run(&mut command);
        let log = fs::read(workspace::log(self.name())).unwrap_or_default();
        Outcome::tests(summary::parse(&String::from_utf8_lossy(&log)), runner, name)
    }
}

/// The features with which all of the code on this machine is looked at. Not all there are: `bench/broadcast` would build another project's
/// protocol.
const ALL: &str = "client/sim,tests/e2e,bench/files,bench/nat,bench/page,bench/room,bench/server,bench/sim,bench/sync";

fn clippy() -> Command {
    shell::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        ALL,
        "--",
        "-D",
        "warnings",
    ])
}

fn clippy_wasm() -> Command {
    let mut command = shell::cargo(&["clippy", "--all-targets", "--target", WASM]);
    command.args(BROWSER_CRATES).args(["--", "-D", "warnings"]);
    command
}

/// What the steps on this machine are compiled with. Cargo chooses the features of a dependency by all that is built with it: with the
/// same packages and features, no step compiles anew what another has compiled.
const TOGETHER: [&str; 3] = [
    "--workspace",
    "--features",
    "mesh/sim,client/sim,bench/sim,tests/browsers",
];

/// The tests on this machine. `web` is among them: its state is plain Rust.
fn native() -> Command {
    let mut command = shell::cargo(&["test", "--no-fail-fast"]);
    command.args(TOGETHER);
    command
}

/// Builds a program of ours as the tests need it, and a test beside it: else cargo would leave out the features that only tests ask for.
fn program(name: &str) -> Command {
    let mut command = shell::cargo(&["build", "--bin", name, "--test", "golden"]);
    command.args(TOGETHER);
    command
}

/// Every scenario with a few seeds, or only the scenario of that name. Not the simulator of the release profile: to build that would
/// take longer than it saves, and this one stops where a number overflows.
fn simulate(sink: &Sink, name: Option<&TestName>) -> Result<String> {
    sink.run(&mut program("sim"))?;
    let mut command = shell::program(workspace::program("sim", "debug"));
    command.args(["--peers", "50", "--seeds", "1..4"]);
    let Some(name) = name else {
        sink.run(&mut command)?;
        return Ok("every scenario, 3 seeds".to_owned());
    };
    command.args(["--scenario", name.as_str()]);
    let status = sink.status(&mut command)?;
    if status.code() == Some(WRONG_ARGUMENTS) {
        bail!("no scenario is called `{name}`: the end of the log names all");
    }
    if !status.success() {
        bail!("the scenario {name} failed ({status})");
    }
    Ok(format!("scenario {name}, 3 seeds"))
}

/// The tests in a browser.
fn in_browser(browser: Browser) -> Result<Command> {
    let driver = browser.driver()?;
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
    Ok(command)
}

/// The tests of the core, and the simulator, in JavaScriptCore: no page, but the engine that Safari compiles WebAssembly with. Bun
/// carries it, in the place of the Node that the runner would start.
fn in_javascriptcore() -> Result<Command> {
    let folder = workspace::root().join("target/javascriptcore");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (program, before) = (folder.join("node"), folder.join("before.js"));
    // The runner takes whatever has it for a browser.
    fs::write(&before, "delete globalThis.self;\n")?;
    let bun = packages::bun()?;
    let text = format!(
        "#!/bin/sh\nexec '{}' --preload '{}' \"$@\"\n",
        bun.display(),
        before.display()
    );
    fs::write(&program, text)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    let mut command = shell::cargo(&["test", "--tests", "--no-fail-fast", "--target", WASM]);
    let path = env::join_paths([folder].into_iter().chain(env::split_paths(&packages::search_path())))?;
    command
        .args(["--package", "shared", "--package", "mesh", "--features", "mesh/sim"])
        .env("PATH", path)
        .env_remove("WASM_BINDGEN_USE_BROWSER")
        .env("WASM_BINDGEN_TEST_TIMEOUT", BROWSER_TESTS_SECONDS);
    Ok(command)
}

/// The end-to-end tests have to be asked for by a feature, so that a plain `cargo test` needs no browsers.
fn end_to_end() -> Result<Command> {
    let mut command = with_browsers("e2e")?;
    command.env("AXE_CORE", packages::axe_core()?);
    Ok(command)
}

/// The end-to-end tests that make networks of their own. The times that they measure belong into the log, also when all is well.
fn behind_nats() -> Result<Command> {
    let mut command = with_browsers("nat")?;
    command.env("RUST_TEST_NOCAPTURE", "1");
    Ok(command)
}

fn with_browsers(program: &str) -> Result<Command> {
    let mut command = shell::cargo(&["test", "--test", program, "--features", "tests/e2e"]);
    command.args(TOGETHER);
    build::with_browsers(&mut command, "debug")?;
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    command.env("RUST_TEST_THREADS", cores.min(BROWSER_TESTS_MAX).to_string());
    Ok(command)
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
}
