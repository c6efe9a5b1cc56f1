//! The comparison of ours with another broadcast and with flooding, and the bounds that are promised.

use serde_json::{Value, json};

use super::{Authors, Report};

/// Rooms from this size on are held to the bounds on hops and time.
const LARGE_NODES: usize = 1_000;

/// The bounds on time, as ratios.
const IROH_RATIO_MAX: f64 = 0.7;
const FLOOD_RATIO_MAX: f64 = 1.3;

/// The bound on bytes, beside iroh-gossip's.
const BYTES_RATIO_MAX: f64 = 1.2;

/// One line of the comparison; each report is the mean over the seeds.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// How many there are in the room.
    pub nodes: usize,
    /// The authors of the rounds.
    pub authors: Authors,
    /// The protocol of `iroh-gossip`.
    pub iroh: Report,
    /// Our nodes.
    pub ours: Report,
    /// Flooding on the graph of our nodes.
    pub flood: Report,
}

/// The comparison, for people.
#[must_use]
pub fn text(rows: &[Row]) -> String {
    let figures = format!("{:>6} {:>11} {:>6} {:>6}", "RMR", "LDH (max)", "ms", "bytes");
    let mut text = format!(
        "{:>5} {:<7} | {:^32} | {:^32} | {:^32} | {:^15} | {:^5}\n{:>5} {:<7} | {figures} | {figures} | {figures} | {:>6} {:>8} | {:>5}\n",
        "",
        "",
        "iroh-gossip",
        "ours",
        "flooding on our graph",
        "ours, time /",
        "bytes",
        "nodes",
        "authors",
        "iroh",
        "flooding",
        "/iroh"
    );
    for row in rows {
        text += &format!(
            "{:>5} {:<7} | {} | {} | {} | {:>6.2} {:>8.2} | {:>5.2}\n",
            row.nodes,
            row.authors.name(),
            figures_text(&row.iroh),
            figures_text(&row.ours),
            figures_text(&row.flood),
            row.iroh_ratio(),
            row.flood_ratio(),
            row.bytes_ratio(),
        );
    }
    for broken in broken(rows) {
        text += &format!("BROKEN: {broken}\n");
    }
    text
}

/// The comparison, for programs.
#[must_use]
pub fn to_json(rows: &[Row]) -> Value {
    let lines: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "nodes": row.nodes,
                "authors": row.authors.name(),
                "iroh_gossip": report_json(&row.iroh),
                "ours": report_json(&row.ours),
                "flooding": report_json(&row.flood),
                "ours_to_iroh_gossip": row.iroh_ratio(),
                "ours_to_flooding": row.flood_ratio(),
                "ours_bytes_to_iroh_gossip": row.bytes_ratio(),
            })
        })
        .collect();
    json!({"rows": lines, "broken": broken(rows)})
}

/// The bounds that do not hold, in words.
#[must_use]
pub fn broken(rows: &[Row]) -> Vec<String> {
    rows.iter().flat_map(Row::broken).collect()
}

impl Row {
    fn iroh_ratio(&self) -> f64 {
        self.ours.last_node_millis_mean / self.iroh.last_node_millis_mean
    }

    fn flood_ratio(&self) -> f64 {
        self.ours.last_node_millis_mean / self.flood.last_node_millis_mean
    }

    fn bytes_ratio(&self) -> f64 {
        self.ours.bytes.unwrap_or(f64::NAN) / self.iroh.bytes.unwrap_or(f64::NAN)
    }

    fn broken(&self) -> Vec<String> {
        let (rmr_max, ldh_max) = match self.authors {
            Authors::One => (0.02, 13.0),
            Authors::Many => (0.5 * self.iroh.rmr, 16.0),
        };
        let mut bounds = vec![
            ("missed", self.ours.missed as f64, 0.0),
            ("RMR", self.ours.rmr, rmr_max),
            ("bytes / iroh-gossip", self.bytes_ratio(), BYTES_RATIO_MAX),
        ];
        if self.nodes >= LARGE_NODES {
            bounds.extend([
                ("LDH", self.ours.ldh_mean, ldh_max),
                ("time / iroh-gossip", self.iroh_ratio(), IROH_RATIO_MAX),
                ("time / flooding", self.flood_ratio(), FLOOD_RATIO_MAX),
            ]);
        }
        bounds
            .into_iter()
            // A value that is not a number (NaN) keeps no bound.
            .filter(|(_, value, max)| value.partial_cmp(max).is_none_or(|order| order.is_gt()))
            .map(|(what, value, max)| {
                let Self { nodes, authors, .. } = self;
                format!(
                    "{nodes} nodes, {}: {what} is {value:.3}, at most {max} promised",
                    authors.name()
                )
            })
            .collect()
    }
}

impl Authors {
    /// One word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Many => "many",
        }
    }
}

fn figures_text(report: &Report) -> String {
    let ldh = format!("{:.1} ({})", report.ldh_mean, report.ldh_max);
    let bytes = report
        .bytes
        .map_or_else(|| "-".to_owned(), |bytes| format!("{bytes:.0}"));
    format!(
        "{:>6.3} {ldh:>11} {:>6.0} {bytes:>6}",
        report.rmr, report.last_node_millis_mean
    )
}

fn report_json(report: &Report) -> Value {
    json!({
        "rmr": report.rmr,
        "ldh_mean": report.ldh_mean,
        "ldh_max": report.ldh_max,
        "last_node_millis_mean": report.last_node_millis_mean,
        "missed": report.missed,
        "bytes": report.bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rmr: f64, ldh: u32, millis: f64) -> Report {
        Report {
            rmr,
            ldh_mean: f64::from(ldh),
            ldh_max: ldh,
            last_node_millis_mean: millis,
            missed: 0,
            bytes: Some(1_300.0),
        }
    }

    fn row(nodes: usize, authors: Authors, ours: Report) -> Row {
        Row {
            nodes,
            authors,
            iroh: report(0.6, 20, 600.0),
            ours,
            flood: report(3.0, 10, 300.0),
        }
    }

    #[test]
    fn what_is_just_kept_is_kept() {
        let rows = [
            row(1_000, Authors::One, report(0.02, 13, 390.0)),
            row(1_000, Authors::Many, report(0.3, 16, 390.0)),
        ];
        assert_eq!(broken(&rows), [""; 0]);
    }

    #[test]
    fn every_bound_is_looked_at() {
        let mut ours = report(0.31, 17, 460.0);
        (ours.missed, ours.bytes) = (2, Some(2_600.0));
        assert_eq!(
            broken(&[row(1_000, Authors::Many, ours)]),
            [
                "1000 nodes, many: missed is 2.000, at most 0 promised",
                "1000 nodes, many: RMR is 0.310, at most 0.3 promised",
                "1000 nodes, many: bytes / iroh-gossip is 2.000, at most 1.2 promised",
                "1000 nodes, many: LDH is 17.000, at most 16 promised",
                "1000 nodes, many: time / iroh-gossip is 0.767, at most 0.7 promised",
                "1000 nodes, many: time / flooding is 1.533, at most 1.3 promised",
            ]
        );
    }

    #[test]
    fn small_rooms_are_held_to_redundancy_only() {
        let rows = [row(100, Authors::One, report(0.06, 40, 900.0))];
        assert_eq!(broken(&rows), ["100 nodes, one: RMR is 0.060, at most 0.02 promised"]);
    }

    #[test]
    fn what_is_not_a_number_breaks_a_bound() {
        let rows = [row(100, Authors::One, report(f64::NAN, 1, 1.0))];
        assert_eq!(broken(&rows).len(), 1);
    }

    #[test]
    fn the_columns_are_as_wide_as_their_titles() {
        let text = text(&[row(1_000, Authors::Many, report(0.1, 12, 350.0))]);
        let widths: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths, [widths[0]; 3], "\n{text}");
    }
}
