//! The programs that are measured, as processes.

use std::{env, path::PathBuf, process::Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// Where `cargo xtask bench` says that a program is.
fn path(variable: &str) -> Result<PathBuf> {
    let found = env::var_os(variable).map(PathBuf::from);
    found.with_context(|| format!("{variable} names no program: run `cargo xtask bench room`"))
}

/// A command of `starling`, as of somebody new.
pub(crate) fn starling(data: &std::path::Path) -> Result<Command> {
    let mut command = Command::new(path("STARLING_BENCH_TERMINAL")?);
    command.env("STARLING_DATA_DIR", data).env_remove("STARLING_SERVER");
    Ok(command)
}

/// What the simulator says of a room of so many people.
pub(crate) async fn simulated(people: usize) -> Result<Value> {
    let mut command = Command::new(path("STARLING_BENCH_SIM")?);
    command.args(["--scenario", "steady", "--seeds", "1..4", "--json", "--peers"]);
    let output = command
        .arg(people.to_string())
        .stderr(Stdio::inherit())
        .output()
        .await?;
    serde_json::from_slice(&output.stdout).context("the simulator does not answer")
}

/// A process that is talked with in lines. It ends with this.
#[derive(Debug)]
pub(crate) struct Talker {
    typed: ChildStdin,
    printed: Lines<BufReader<ChildStdout>>,
    child: Child,
}

impl Talker {
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("a program does not start")?;
        let (typed, printed) = (child.stdin.take(), child.stdout.take());
        Ok(Self {
            typed: typed.context("the input is piped")?,
            printed: BufReader::new(printed.context("the output is piped")?).lines(),
            child,
        })
    }

    pub(crate) async fn tell(&mut self, line: &str) -> Result<()> {
        Ok(self.typed.write_all(format!("{line}\n").as_bytes()).await?)
    }

    pub(crate) async fn line(&mut self) -> Result<String> {
        let line = self.printed.next_line().await?;
        line.context("a program has ended")
    }

    /// Waits for a line of JSON; those before it are skipped.
    pub(crate) async fn hear(&mut self, is_it: impl Fn(&Value) -> bool) -> Result<Value> {
        loop {
            let value: Value = serde_json::from_str(&self.line().await?)?;
            if value["type"] == "refused" {
                bail!("it cannot be done: {value}");
            }
            if is_it(&value) {
                return Ok(value);
            }
        }
    }

    /// All that is still printed, until the process has ended by itself.
    pub(crate) async fn rest(mut self) -> Result<String> {
        let mut rest = String::new();
        while let Some(line) = self.printed.next_line().await? {
            rest += &line;
            rest.push('\n');
        }
        self.child.wait().await?;
        Ok(rest)
    }
}
