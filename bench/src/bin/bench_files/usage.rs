//! What a browser takes of the machine: all its processes together.

use std::{collections::BTreeMap, fs};

use rustix::{param::clock_ticks_per_second, process::Pid};

/// The processes of a browser.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Processes(pub(crate) Pid);

impl Processes {
    /// The browser's process and all that come from it. Some may end meanwhile.
    fn all(self) -> Vec<i32> {
        let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some((id, parent)) = id.and_then(|id: i32| Some((id, *stat(id)?.get(1)?))) {
                children.entry(i32::try_from(parent).unwrap_or(0)).or_default().push(id);
            }
        }
        let mut all = vec![self.0.as_raw_nonzero().get()];
        let mut next = 0;
        while let Some(id) = all.get(next) {
            all.extend(children.remove(id).unwrap_or_default());
            next += 1;
        }
        all
    }

    /// Seconds of processor time so far.
    pub(crate) fn cpu_seconds(self) -> f64 {
        // User and system time are the 14th and 15th field of all, counted in ticks (proc(5)).
        let ticks = self.all().into_iter().filter_map(stat).map(|fields| {
            let at = |place: usize| fields.get(place).copied().unwrap_or(0);
            at(11) + at(12)
        });
        #[expect(clippy::cast_precision_loss, reason = "exact for the first millions of years")]
        let [ticks, per_second] = [ticks.sum(), clock_ticks_per_second()].map(|count: u64| count as f64);
        ticks / per_second
    }

    /// How much memory they hold now that is no file's, in MiB. What several share is counted once.
    pub(crate) fn memory_mib(self) -> f64 {
        let kib = |id: i32| {
            let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
            let lines = rollup.lines().filter_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_counted = name == "Pss_Anon" || name == "Pss_Shmem";
                value
                    .trim()
                    .strip_suffix(" kB")?
                    .parse()
                    .ok()
                    .filter(|_: &f64| is_counted)
            });
            lines.sum::<f64>()
        };
        self.all().into_iter().map(kib).sum::<f64>() / 1024.0
    }
}

/// The numbers behind a process's name and state: its parent is the second one that is given here.
fn stat(id: i32) -> Option<Vec<u64>> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name may contain anything, and ends with the last bracket.
    let (_, fields) = stat.rsplit_once(')')?;
    Some(
        fields
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0))
            .collect(),
    )
}
