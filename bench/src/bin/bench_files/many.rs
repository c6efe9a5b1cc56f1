//! One file to several receivers at once, beside the same to one of them: how much of it they get from each other.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{
    browser::Engine,
    page::Page,
    room::{enter, found, others_here},
};
use tokio::time::sleep;

use crate::{Args, LOOK, PATIENCE, SETTLE, median, offer, print, site::Site, to_front};

/// Gives the median of the ratios of the time to all to the time to one.
pub(crate) async fn measure(engine: Engine, args: &Args) -> Result<f64> {
    let site = Site::start(engine, args, args.receivers + 1).await?;
    let pages = room(&site).await?;
    let (mut ratios, mut times) = (Vec::new(), [Vec::new(), Vec::new()]);
    for pair in 0..args.pairs {
        let one = turn(&pages, 1, args.mib, 2 * pair).await?;
        let all = turn(&pages, args.receivers, args.mib, 2 * pair + 1).await?;
        ratios.push(all / one);
        times[0].push(one);
        times[1].push(all);
    }
    let ratio = median(ratios);
    let [one, all] = times.map(median);
    let (receivers, mib, pairs) = (args.receivers, args.mib, args.pairs);
    print(&if args.json {
        json!({"engine": format!("{engine:?}"), "mib": mib, "pairs": pairs, "receivers": receivers, "seconds_to_one": one, "seconds_to_all": all, "ratio": ratio, "ratio_max": crate::MANY_RATIO_MAX}).to_string()
    } else {
        format!(
            "{engine:?}, {mib} MiB, {pairs} turns each\nto one receiver {one:.1} s, to {receivers} at once {all:.1} s\nmedian of the ratios: {ratio:.2} (bound: {})",
            crate::MANY_RATIO_MAX
        )
    })?;
    Ok(ratio)
}

/// Everybody in one room, the sender first.
async fn room(site: &Site) -> Result<Vec<Page>> {
    let (sender, room) = found(&site.browsers[0], &site.server.url(), "P0").await?;
    let mut pages = vec![sender];
    for (number, browser) in site.browsers.iter().enumerate().skip(1) {
        pages.push(enter(browser, &room, &format!("P{number}")).await?);
    }
    for page in &pages {
        page.wait("all the others", |view| others_here(view) + 1 == site.browsers.len())
            .await?;
        page.run(include_str!("ours.js"), vec![]).await?;
        to_front(page).await?;
    }
    Ok(pages)
}

/// A file to so many, until the last of them has it: in seconds.
async fn turn(pages: &[Page], receivers: usize, mib: u32, number: u32) -> Result<f64> {
    let name = offer(pages, mib, number).await?;
    sleep(SETTLE).await;
    let started = Instant::now();
    for page in &pages[1..=receivers] {
        page.run("window.fetchFile(...arguments)", vec![name.clone()]).await?;
    }
    let mut last: f64 = 0.0;
    for page in &pages[1..=receivers] {
        let took = loop {
            let took = page.run("return window.took ?? null", vec![]).await?;
            if let Some(took) = Value::as_f64(&took) {
                break took;
            }
            ensure!(started.elapsed() < PATIENCE * 2, "it takes too long");
            sleep(LOOK).await;
        };
        last = last.max(took / 1_000.0);
    }
    Ok(last)
}
