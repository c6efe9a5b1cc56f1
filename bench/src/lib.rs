//! Measurements. Each program in `src/bin` is one of them: `cargo xtask bench` and `cargo xtask sim` build what a program
//! needs and start it. The library holds the measures of the comparison of broadcasts, in [`spread`], and what joining a room is, in `pages`.

#[cfg(feature = "join")]
pub mod pages;
pub mod spread;

/// The value below which so many percent of all are (nearest rank), in the unit of `values`.
#[must_use]
pub fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or(f64::NAN)
}
