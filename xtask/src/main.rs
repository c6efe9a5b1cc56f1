//! `cargo xtask`: everything a person or CI has to type.
//!
//! Each subcommand installs by itself what is missing of the tools that the subcommand needs (see [`tools`]), so that a fresh
//! machine with rustup, Node and root is enough. This program is compiled before anything else can happen, hence the few
//! dependencies.
//!
//! A module uses only modules that stand above it here, so there are no circles:
//!
//! | module | uses |
//! |---|---|
//! | [`workspace`]: where things are | |
//! | [`packages`]: which tools, and where each is kept | `workspace` |
//! | [`shell`]: runs programs, those tools among them | `packages`, `workspace` |
//! | [`tools`]: installs what is missing | `packages`, `shell`, `workspace` |
//! | [`dist`]: the files of the built app | |
//! | [`sections`]: what several steps read in a WebAssembly module | |
//! | [`split`]: the app's module in two | `sections` |
//! | [`script`]: the generated script, made small | `dist`, `sections`, `shell`, `split` |
//! | [`size`]: what the first load costs | `dist`, `script`, `sections`, `shell`, `workspace` |
//! | [`compat`]: what the page uses and supported browsers lack | `dist`, `packages`, `sections`, `shell`, `workspace` |
//! | [`build`]: builds the app and the server | `dist`, `script`, `shell`, `size`, `split`, `tools`, `workspace` |
//! | [`fuzz`], [`sim`]: property tests, the simulator | `shell` |
//! | [`run`]: the app for a person | `build`, `shell`, `workspace` |
//! | [`setup`]: tools for a person's shell | `packages`, `tools` |
//! | [`bench`](mod@bench): benchmarks | `build`, `shell`, `size`, `tools`, `workspace` |
//! | [`test`](mod@test): all steps | `build`, `compat`, `packages`, `shell`, `sim`, `size`, `tools`, `workspace` |
//!
//! A part of a module never uses the module that it is a part of. A test holds both.

#![expect(clippy::print_stdout, reason = "a command-line program talks on standard output")]

mod bench;
mod build;
mod compat;
mod dist;
mod fuzz;
mod packages;
mod run;
mod script;
mod sections;
mod setup;
mod shell;
mod sim;
mod size;
mod split;
mod test;
mod tools;
mod worker;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Builds, runs, tests and measures Starling", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the release app and serve it, with everything a room needs, on one address
    Run(run::Args),
    /// Build the release web app into dist/, with compressed copies beside the files
    Build,
    /// Run every check and every test, in real browsers too
    Test(test::Args),
    /// Measure, and compare with a bare calibration in the same run
    Bench(bench::Args),
    /// Simulate rooms of any size in virtual time, with faults
    Sim(sim::Args),
    /// Run the property tests with many more cases: decoders, nodes and small worlds that anything happens to
    Fuzz(fuzz::Args),
    /// Install the tools and print the line that puts them on a shell's PATH
    Setup,
}

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Build => build::run(),
        Command::Test(args) => test::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Sim(args) => sim::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Setup => setup::run(),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{dist, workspace};
    use std::fs;

    /// From what uses nothing to what uses most.
    const ORDER: [&str; 18] = [
        "workspace",
        "packages",
        "shell",
        "tools",
        "dist",
        "sections",
        "split",
        "script",
        "worker",
        "size",
        "compat",
        "build",
        "fuzz",
        "sim",
        "run",
        "setup",
        "bench",
        "test",
    ];

    /// The modules that a source names behind `crate::`, comments left out.
    fn used(source: &str) -> Vec<String> {
        let code: Vec<&str> = source
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        let mut names = Vec::new();
        for rest in code.join("\n").split("crate::").skip(1) {
            let several = rest.strip_prefix('{').and_then(|list| Some(list.split_once("};")?.0));
            for path in several
                .unwrap_or(rest)
                .split(',')
                .take(if several.is_some() { usize::MAX } else { 1 })
            {
                let path = path.trim();
                names.push(path[..path.find(|letter| !is_name(letter)).unwrap_or(path.len())].to_owned());
            }
        }
        names
    }

    #[test]
    fn a_module_uses_only_modules_above_it() {
        let folder = workspace::root().join("xtask/src");
        for path in dist::files(&folder).unwrap() {
            let inside = path.strip_prefix(&folder).unwrap().with_extension("");
            let module = inside.iter().next().unwrap().to_str().unwrap();
            if module == "main" {
                continue;
            }
            let place = |name: &str| ORDER.iter().position(|module| *module == name);
            for name in used(&fs::read_to_string(&path).unwrap()) {
                let is_above = place(&name).zip(place(module)).is_some_and(|(used, user)| used < user);
                assert!(is_above, "{} uses `crate::{name}`", path.display());
            }
        }
    }

    #[test]
    fn names_are_found_alone_and_in_a_list() {
        let source =
            "use crate::shell::{self, Sink};\nuse crate::{\n    build, size};\n// crate::bench\ncrate::sim::run()";
        assert_eq!(used(source), ["shell", "build", "size", "sim"]);
    }
}
