//! Half of a room goes within a second: how long it takes until each tab of those left counts right.
//!
//! Those who stay are the tabs of one Chromium, those who go are the tabs of another, as many; all behind each other as tabs are, so that most of them
//! are hidden. They crash (the process is killed), are closed, or leave in good order.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{
    browser::Browser,
    page::Page,
    room::{enter, found},
    server::Server,
    wait::until,
};
use tokio::time::sleep;

use crate::{Row, now_millis};

/// How long the tabs that are left are watched: whoever counts right and then wrong again does not count right.
const WATCHED: Duration = Duration::from_secs(40);

/// Until when everybody has to be there.
const GATHERED_MAX: Duration = Duration::from_secs(120);

/// From arming the tabs that go until they do.
const FUSE: Duration = Duration::from_secs(15);

/// Notes each number of people that the page says is here, and when, by the clock of the machine.
const COUNT: &str = "
    const status = document.querySelector('[role=status][aria-label=Connection]');
    const look = () => {
        const count = Number(status.textContent.match(/^\\s*(\\d+) people here/)?.[1] ?? 1);
        if (window.counts.at(-1)?.count !== count) {
            window.counts.push({ at: performance.timeOrigin + performance.now(), count });
        }
    };
    window.counts = [];
    new MutationObserver(look).observe(status, { subtree: true, childList: true, characterData: true });
    look();";

/// How they go.
#[derive(Debug, Clone, Copy)]
enum Going {
    Crash,
    Close,
    Leave,
}

impl Going {
    const ALL: [Self; 3] = [Self::Crash, Self::Close, Self::Leave];

    const fn words(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Close => "are closed",
            Self::Leave => "leave",
        }
    }

    /// The bound on the time until all count right.
    const fn bound(self) -> Duration {
        match self {
            Self::Crash | Self::Close => Duration::from_secs(12),
            Self::Leave => Duration::from_secs(4),
        }
    }

    /// What a tab does by itself when it is time; `arguments[0]` milliseconds from now.
    const fn script(self) -> Option<&'static str> {
        match self {
            Self::Crash => None,
            Self::Close => Some("setTimeout(() => window.close(), arguments[0] - Date.now())"),
            Self::Leave => Some(LEAVE),
        }
    }
}

/// Chooses "Leave room" from the menu, `arguments[0]` milliseconds from now.
const LEAVE: &str = "
    const leave = () => {
        const item = [...document.querySelectorAll('[role=menuitem]')].find((item) => item.textContent === 'Leave room');
        item ? item.click() : setTimeout(leave, 1);
    };
    const open = () => document.querySelector('[aria-label=\"Room menu\"]').click();
    setTimeout(() => { open(); leave(); }, arguments[0] - Date.now())";

/// `tabs`: in all.
pub(crate) async fn measure(tabs: usize) -> Result<Vec<Row>> {
    ensure!(tabs >= 4 && tabs.is_multiple_of(2), "half of the tabs go");
    let mut rows = Vec::new();
    for going in Going::ALL {
        let row = go(tabs, going).await;
        rows.push(row.with_context(|| format!("those who {}", going.words()))?);
    }
    Ok(rows)
}

async fn go(tabs: usize, going: Going) -> Result<Row> {
    let server = Server::start().await?;
    let (here, there) = (Browser::chromium().await?, Browser::chromium().await?);
    let (first, room) = found(&here, &server.url(), "Tab 1").await?;
    let (mut staying, mut leaving) = (vec![first], Vec::new());
    for number in 2..=tabs {
        let stays = !number.is_multiple_of(2);
        let (browser, side) = if stays {
            (&here, &mut staying)
        } else {
            (&there, &mut leaving)
        };
        side.push(enter(browser, &room, &format!("Tab {number}")).await?);
    }
    for tab in staying.iter().chain(&leaving) {
        tab.run(COUNT, vec![]).await?;
    }
    for tab in staying.iter().chain(&leaving) {
        until(GATHERED_MAX, || async {
            let last = counts(tab).await?.last().map(|(_, count)| *count);
            ensure!(last == Some(tabs), "{last:?} instead of {tabs} are here");
            Ok(())
        })
        .await?;
    }
    let gone_at = now_millis() + FUSE.as_secs_f64() * 1_000.0;
    if let Some(script) = going.script() {
        for tab in &leaving {
            tab.run(script, vec![json!(gone_at)]).await?;
        }
    }
    ensure!(now_millis() < gone_at, "the tabs were not armed in time");
    sleep(Duration::from_secs_f64((gone_at - now_millis()).max(0.0) / 1_000.0)).await;
    if matches!(going, Going::Crash) {
        there.kill()?;
    }
    sleep(WATCHED).await;
    let mut slowest = 0.0_f64;
    let mut wrong = 0;
    for tab in &staying {
        match counts(tab).await?.last() {
            Some((at, count)) if *count == staying.len() => slowest = slowest.max(at - gone_at),
            _ => wrong += 1,
        }
    }
    let bound = going.bound().as_secs_f64();
    let seconds = slowest / 1_000.0;
    Ok(Row::new(
        format!(
            "{} of {tabs} tabs {}: all left count right",
            leaving.len(),
            going.words()
        ),
        format!("after {seconds:.1} s, {wrong} never"),
        format!("{bound} s"),
        wrong == 0 && seconds <= bound,
    ))
}

/// Each number of people that a tab said is here, and when, in milliseconds since 1970.
async fn counts(tab: &Page) -> Result<Vec<(f64, usize)>> {
    let counts = tab.run("return window.counts", vec![]).await?;
    let of_one = |one: &Value| {
        let count = usize::try_from(one["count"].as_u64()?).ok()?;
        Some((one["at"].as_f64()?, count))
    };
    let counts = counts.as_array().context("a tab that counts")?;
    Ok(counts.iter().filter_map(of_one).collect())
}
