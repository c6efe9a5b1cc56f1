//! Network namespaces: made, entered and removed by `ip` of iproute2.
//!
//! Names carry the id of the process that made the namespace. Two runs at once do not clash, and a run finds what a run that was
//! killed has left behind.

use std::{
    fmt,
    fs::{self, File},
    io,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::Arc,
    thread,
};

use anyhow::{Context, Result, bail};
use rustix::{
    process::{Pid, Signal, kill_process},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

/// Where `ip` keeps the namespaces that have names.
const FOLDER: &str = "/run/netns";

/// Where `ip` looks for a namespace's own files in place of those of `/etc`.
const SETTINGS: &str = "/etc/netns";

/// The beginning of the names of all namespaces of ours. The id of a process follows.
const PREFIX: &str = "starling-";

/// The name of a network namespace. Whoever made the namespace removes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace(Arc<str>);

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Namespace {
    /// Makes a namespace whose loopback is up and that has no other network.
    ///
    /// # Errors
    /// If this process may not make namespaces.
    pub(super) fn add(suffix: &str) -> Result<Self> {
        let namespace = Self(format!("{PREFIX}{}-{suffix}", process::id()).into());
        ip(&format!("netns add {namespace}")).context(
            "network namespaces need root: run as root, in a container with the capabilities NET_ADMIN and SYS_ADMIN",
        )?;
        // An address that is tried out first is a change of the network, which has Chromium give up what it loads.
        namespace.inside(|| fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0"))??;
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Runs `ip` with these words inside.
    ///
    /// # Errors
    /// What `ip` says.
    pub(super) fn ip(&self, words: &str) -> Result<String> {
        ip(&format!("-n {self} {words}"))
    }

    /// Gives what leaves it by its way outside a queue, in the language of `tc qdisc`.
    ///
    /// # Errors
    /// What `tc` says.
    pub fn shape(&self, queue: &str) -> Result<()> {
        let mut command = Command::new("tc");
        command.args(["-n", &self.0, "qdisc", "replace", "dev", "outside", "root"]);
        command.args(queue.split_whitespace());
        output(command).map(drop)
    }

    /// Gives the rules of packet filter and NAT, in the language of `nft`. They replace earlier ones.
    ///
    /// # Errors
    /// What `nft` says.
    pub(super) fn rule(&self, rules: &str) -> Result<()> {
        let text = format!("flush ruleset\n{rules}");
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0, "nft", &text]);
        output(command).map(drop)
    }

    /// Runs `task` in a thread inside. Sockets that the task makes stay inside, whoever uses them afterwards.
    ///
    /// # Errors
    /// If the namespace is gone.
    pub fn inside<T: Send>(&self, task: impl FnOnce() -> T + Send) -> Result<T> {
        let entered = || -> io::Result<T> {
            let file = File::open(Path::new(FOLDER).join(&*self.0))?;
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
            Ok(task())
        };
        thread::scope(|scope| scope.spawn(entered).join())
            .map_err(|_| anyhow::anyhow!("the task panicked in {self}"))?
            .with_context(|| format!("cannot enter {self}"))
    }

    /// Lets programs that `ip` starts inside from now on know the address of a host by this name (ip-netns(8)).
    ///
    /// # Errors
    /// If it cannot be written down.
    pub(super) fn name_host(&self, name: &str, address: &str) -> Result<()> {
        let folder = self.settings();
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::write(folder.join("hosts"), format!("127.0.0.1 localhost\n{address} {name}\n"))?;
        // The machine's name server cannot be reached from inside: Chromium would wait for its answer, to the question for an IPv6 address, for ten seconds.
        fs::write(folder.join("resolv.conf"), "")?;
        Ok(())
    }

    /// What stands here takes the place of files of `/etc` inside.
    fn settings(&self) -> PathBuf {
        Path::new(SETTINGS).join(&*self.0)
    }

    /// Kills what still runs inside and removes the namespace.
    ///
    /// # Errors
    /// If it is gone already.
    pub(super) fn remove(&self) -> Result<()> {
        for line in ip(&format!("netns pids {self}"))?.lines() {
            if let Some(process) = line.trim().parse().ok().and_then(Pid::from_raw) {
                // It may have ended meanwhile.
                let _ = kill_process(process, Signal::KILL);
            }
        }
        // Most have none.
        let _ = fs::remove_dir_all(self.settings());
        ip(&format!("netns del {self}")).map(drop)
    }
}

/// The namespaces of ours that there are, of every process that lives or lived.
pub fn existing() -> Vec<Namespace> {
    // Without a namespace there is no folder.
    let entries = fs::read_dir(FOLDER).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter(|name| name.starts_with(PREFIX))
        .map(|name| Namespace(name.into()))
        .collect()
}

/// Removes the namespaces of processes that have ended.
pub(super) fn remove_leftovers() {
    for namespace in existing() {
        let maker = namespace.0[PREFIX.len()..].split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(maker).exists() {
            // Another process may be at it, too.
            let _ = namespace.remove();
        }
    }
}

/// Runs `ip` with these words.
fn ip(words: &str) -> Result<String> {
    let mut command = Command::new("ip");
    command.args(words.split_whitespace());
    output(command)
}

fn output(mut command: Command) -> Result<String> {
    let program = command.get_program().to_os_string();
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
