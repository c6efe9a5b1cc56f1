//! How people in homes behind routers come together, try after try: what is promised of it, and what the real browsers do.
//!
//! Every network is a lab of network namespaces (`tests::homes`), for which this has to be root. A case has one lab and one browser for each person.
//! The browsers stay open over its tries, and each try is another room. The first try warms caches up and is not counted.
//!
//! Between ordinary routers the bare page (`bench::pages`) takes its turn after each try of ours, by the same server and so with the same STUN.
//! The clock of both is that of the joining page: from the change of its address to its first open channel. In all other cases it is the clock of
//! this program, from the moment that the last person is told to join until what is awaited stands on every page.
//!
//! `cargo xtask bench nat` builds what it needs. Fails if a try does, or a bound is broken.

mod case;
mod people;

use std::process::ExitCode;

use anyhow::{Context, Result};
use bench::percentile;
use clap::{Parser, ValueEnum as _};

use case::{Bound, Case, Measured};

/// Measures how people behind routers come together.
#[derive(Debug, Parser)]
struct Args {
    /// Tries of each row
    #[arg(long, default_value_t = 20)]
    tries: usize,
    /// Only these, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Case::value_variants().to_vec())]
    only: Vec<Case>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    print(&format!(
        "{:<58} {:>8} {:>8} {:>8}   bound\n",
        "seconds", "done", "median", "worst"
    ))?;
    let mut kept = true;
    for case in args.only {
        for engines in case.engines() {
            let measured = case.measure(engines, args.tries).await;
            let measured = measured.with_context(|| format!("{case:?} {engines:?}"))?;
            kept &= measured.keeps();
            print(&row(
                &format!("{}, {}", case.title(), people::named(engines)),
                &measured,
            ))?;
        }
    }
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(title: &str, measured: &Measured) -> String {
    let Measured {
        tries,
        seconds,
        bare,
        bound,
        failures,
    } = measured;
    let bound = match bound {
        Bound::Within(most) => format!("each ≤ {} s", most.as_secs()),
        Bound::Ratio(most) => format!(
            "median {:.2} × that of the bare page ({:.2} s), ≤ {most}",
            measured.ratio(),
            percentile(bare, 50)
        ),
    };
    let mut text = format!(
        "{title:<58} {:>8} {:>8.2} {:>8.2}   {bound}{}\n",
        format!("{}/{tries}", seconds.len()),
        percentile(seconds, 50),
        percentile(seconds, 100),
        if measured.keeps() { "" } else { " – BROKEN" },
    );
    for failure in failures {
        text += &format!("    {failure}\n");
    }
    text
}

fn print(text: &str) -> Result<()> {
    use std::io::Write;
    write!(std::io::stdout(), "{text}").context("cannot print")
}
