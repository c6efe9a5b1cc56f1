//! What a load has measured: as a table, or as one object of JSON.

use std::{fmt, fs, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use super::Heard;

/// What a process has taken, or took meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usage {
    /// For how long, in seconds.
    pub seconds: f64,
    /// Processor time, in seconds.
    pub cpu: f64,
    /// Memory that is no file's, in MiB.
    pub memory: f64,
    /// Bytes of datagrams sent.
    pub sent: u64,
    /// Bytes of datagrams received.
    pub received: u64,
}

impl Usage {
    /// Up to now, of this process, with the bytes that its peers have sent and received.
    #[must_use]
    pub fn now((sent, received): (u64, u64)) -> Self {
        let of = |clock| {
            let at = clock_gettime(clock);
            Duration::new(
                u64::try_from(at.tv_sec).unwrap_or(0),
                u32::try_from(at.tv_nsec).unwrap_or(0),
            )
        };
        Self {
            seconds: of(ClockId::Monotonic).as_secs_f64(),
            cpu: of(ClockId::ProcessCPUTime).as_secs_f64(),
            memory: memory_mib(),
            sent,
            received,
        }
    }

    /// Between two moments.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            seconds: self.seconds - before.seconds,
            cpu: self.cpu - before.cpu,
            memory: self.memory - before.memory,
            sent: self.sent.saturating_sub(before.sent),
            received: self.received.saturating_sub(before.received),
        }
    }
}

/// Nothing where the system does not say.
fn memory_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// What a load has measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// How many peers came.
    pub peers: usize,
    /// From each peer's coming to its first link, of those that got one.
    pub joins: Vec<Duration>,
    /// From the last peer's coming until all knew each other; nothing if they did not.
    pub complete: Option<Duration>,
    /// The links of each at the end.
    pub links: Vec<usize>,
    /// What was heard.
    pub heard: Heard,
    /// [What](super::order_of) says in which order the first peer was shown what was said.
    pub order: String,
    /// From each message's saying to its showing, at each who did not say it.
    pub delays: Vec<Duration>,
    /// What all of it took, over a process without peers.
    pub usage: Usage,
    /// What a while took in which nothing was said.
    pub rest: Option<Usage>,
}

impl Figures {
    /// Whether all joined, and everything that was said has reached everyone in one order.
    #[must_use]
    pub fn are_good(&self) -> bool {
        self.joins.len() == self.peers
            && self.complete.is_some()
            && self.heard.missing == 0
            && self.heard.disordered == 0
    }

    /// The memory of one peer, in MiB.
    #[must_use]
    pub fn memory_of_one(&self) -> f64 {
        self.usage.memory / count(self.peers)
    }

    /// What one peer takes of a core while nothing is said, in percent.
    #[must_use]
    pub fn idle_percent_of_one(&self) -> Option<f64> {
        let rest = self.rest?;
        Some(100.0 * rest.cpu / rest.seconds / count(self.peers))
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> String {
        let millis = |times: &[Duration], percent| percentile(times, percent).map(millis);
        let value: Value = json!({
            "peers": self.peers,
            "joined": self.joins.len(),
            "join_millis": {"p50": millis(&self.joins, 50), "p95": millis(&self.joins, 95), "max": millis(&self.joins, 100)},
            "all_known_millis": self.complete.map(self::millis),
            "links": {"least": self.links.iter().min(), "mean": self.mean_links(), "most": self.links.iter().max()},
            "said": self.heard.said,
            "missing": self.heard.missing,
            "disordered": self.heard.disordered,
            "order": self.order,
            "delivery_millis": {
                "p50": millis(&self.delays, 50),
                "p95": millis(&self.delays, 95),
                "p99": millis(&self.delays, 99),
                "max": millis(&self.delays, 100),
            },
            "memory_mib_of_one": self.memory_of_one(),
            "idle_percent_of_one": self.idle_percent_of_one(),
            "idle_bytes_per_second_of_one": self.rest.map(|rest| self.bytes_per_second(&rest)),
            "bytes_per_second_of_one": self.bytes_per_second(&self.usage),
            "cpu_percent_of_one": 100.0 * self.usage.cpu / self.usage.seconds / count(self.peers),
            "good": self.are_good(),
        });
        value.to_string()
    }

    fn mean_links(&self) -> f64 {
        count(self.links.iter().sum()) / count(self.links.len())
    }

    fn bytes_per_second(&self, usage: &Usage) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "exact up to petabytes")]
        let bytes = (usage.sent + usage.received) as f64;
        bytes / usage.seconds / count(self.peers)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |times: &[Duration], percent| {
            let at = percentile(times, percent);
            at.map_or_else(|| "-".to_owned(), |at| format!("{:.0}", millis(at)))
        };
        let mut row = |name: &str, value: String| writeln!(f, "{name:<34} {value}");
        row("joined", format!("{} of {}", self.joins.len(), self.peers))?;
        let joins = [50, 95, 100].map(|percent| at(&self.joins, percent));
        row(
            "ms to the first link",
            format!("{} / {} / {} (p50/p95/max)", joins[0], joins[1], joins[2]),
        )?;
        let complete = self
            .complete
            .map_or_else(|| "never".to_owned(), |time| format!("{:.0}", millis(time)));
        row("ms from the last until all are known", complete)?;
        let (least, most) = (
            self.links.iter().min().unwrap_or(&0),
            self.links.iter().max().unwrap_or(&0),
        );
        row(
            "links of a peer",
            format!("{least} / {:.1} / {most} (least/mean/most)", self.mean_links()),
        )?;
        let Heard {
            said,
            missing,
            disordered,
        } = self.heard;
        row("messages said", said.to_string())?;
        row(
            "missing, of all at all peers",
            format!("{missing} of {}", said * self.peers),
        )?;
        row("peers with another order", disordered.to_string())?;
        let delays = [50, 95, 99, 100].map(|percent| at(&self.delays, percent));
        row(
            "ms from saying to showing",
            format!(
                "{} / {} / {} / {} (p50/p95/p99/max)",
                delays[0], delays[1], delays[2], delays[3]
            ),
        )?;
        row("MiB of memory, a peer", format!("{:.2}", self.memory_of_one()))?;
        let busy = 100.0 * self.usage.cpu / self.usage.seconds / count(self.peers);
        row("% of a core, a peer, all in all", format!("{busy:.2}"))?;
        row(
            "bytes a second, a peer, all in all",
            format!("{:.0}", self.bytes_per_second(&self.usage)),
        )?;
        if let (Some(rest), Some(idle)) = (self.rest, self.idle_percent_of_one()) {
            row("% of a core, a peer, at rest", format!("{idle:.2}"))?;
            row(
                "bytes a second, a peer, at rest",
                format!("{:.0}", self.bytes_per_second(&rest)),
            )?;
        }
        Ok(())
    }
}

/// The value below which so many percent are (nearest rank).
#[must_use]
pub(super) fn percentile(times: &[Duration], percent: usize) -> Option<Duration> {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted
        .get((sorted.len() * percent).div_ceil(100).saturating_sub(1))
        .copied()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// At least one, for it divides.
fn count(number: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "exact up to quadrillions")]
    let number = number.max(1) as f64;
    number
}
