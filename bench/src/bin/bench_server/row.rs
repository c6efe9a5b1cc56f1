//! One line of the result: what was measured of which server, and the bounds on it.

#![expect(clippy::print_stdout, reason = "a program for the command line")]

use serde_json::json;

pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    /// Of each server, ours first.
    pub(crate) values: Vec<(&'static str, f64)>,
    pub(crate) bounds: Vec<Bound>,
    /// What is to be known besides, as that something is not there to be measured.
    pub(crate) note: String,
}

/// In words, with the figure that has to keep it.
pub(crate) struct Bound {
    pub(crate) of: String,
    pub(crate) value: f64,
    pub(crate) at_most: f64,
}

impl Bound {
    fn is_kept(&self) -> bool {
        self.value <= self.at_most
    }
}

impl Row {
    pub(crate) fn is_kept(&self) -> bool {
        self.bounds.iter().all(Bound::is_kept)
    }

    pub(crate) fn print(&self) {
        println!("{}, {}", self.name, self.unit);
        let values = self
            .values
            .iter()
            .map(|(name, value)| format!("{name} {}", short(*value)));
        println!("    {}", values.collect::<Vec<_>>().join(", "));
        for bound in &self.bounds {
            let verdict = if bound.is_kept() { "ok" } else { "BROKEN" };
            println!("    {} {:.2} <= {} {verdict}", bound.of, bound.value, bound.at_most);
        }
        if !self.note.is_empty() {
            println!("    {}", self.note);
        }
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        let values: serde_json::Map<_, _> = self
            .values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let bound = |bound: &Bound| json!({"of": bound.of, "value": bound.value, "at_most": bound.at_most, "kept": bound.is_kept()});
        json!({
            "name": self.name,
            "unit": self.unit,
            "values": values,
            "bounds": self.bounds.iter().map(bound).collect::<Vec<_>>(),
            "note": self.note,
        })
    }
}

fn short(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median over the rounds, of which each compares two measurements near each other.
pub(crate) fn median_ratio(ours: &[f64], other: &[f64]) -> f64 {
    median(ours.iter().zip(other).map(|(ours, other)| ours / other).collect())
}
