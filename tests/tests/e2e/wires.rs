//! The connections of a tab, in the hands of a test: cut, or none to be had.
//!
//! What stands between people in the world (a cable pulled, a firewall) cannot be put between two tabs of one machine. So
//! the page's `RTCPeerConnection` is replaced, before a room is joined, by one that does the same and is remembered.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{
    page::{PATIENCE, Page},
    wait::until,
};

/// Remembers every connection that the page will make. To be called while it shows no room yet.
pub(crate) async fn hold(page: &Page) -> Result<()> {
    const HOLD: &str = "
        window.wires = [];
        window.walled = false;
        window.RTCPeerConnection = class extends RTCPeerConnection {
            constructor(...how) {
                if (window.walled) throw new DOMException('no more connections', 'UnknownError');
                super(...how);
                window.wires.push(this);
            }
        };";
    page.run(HOLD, Vec::new()).await?;
    Ok(())
}

/// From now on the page gets no more connections than it has, or does again.
pub(crate) async fn wall(page: &Page, up: bool) -> Result<()> {
    page.run("window.walled = arguments[0]", vec![json!(up)]).await?;
    Ok(())
}

/// Waits until each connection of a page is either made or given up.
pub(crate) async fn settled(page: &Page) -> Result<()> {
    const SETTLED: &str = "
        const ends = ['connected', 'failed', 'closed'];
        return window.wires.every((wire) => ends.includes(wire.connectionState));";
    let seen = until(PATIENCE, || async {
        let settled = page.run(SETTLED, Vec::new()).await?;
        ensure!(
            settled == json!(true),
            "connections of {:?} are being made",
            page.browser()
        );
        Ok(())
    });
    seen.await
}

/// Waits until two tabs have a connection with each other.
pub(crate) async fn connected(one: &Page, other: &Page) -> Result<()> {
    let found = until(PATIENCE, || async {
        let wires = between(one, other).await?;
        ensure!(
            !wires.is_empty(),
            "no connection between {:?} and {:?}",
            one.browser(),
            other.browser()
        );
        Ok(())
    });
    found.await
}

/// Closes the connection between two tabs at both ends. Neither page is told: to each, the other falls silent.
pub(crate) async fn cut(one: &Page, other: &Page) -> Result<()> {
    const CUT: &str = "
        const ends = arguments[0];
        const open = window.wires.filter((wire) => wire.connectionState === 'connected');
        for (const wire of open) {
            const [own, remote] = [wire.localDescription.sdp, wire.remoteDescription.sdp];
            if (ends.some(([mine, theirs]) => own.includes(mine) && remote.includes(theirs))) wire.close();
        }";
    let ends = between(one, other).await?;
    ensure!(!ends.is_empty(), "there is nothing to cut");
    let reversed: Vec<_> = ends.iter().map(|(mine, theirs)| (theirs, mine)).collect();
    one.run(CUT, vec![json!(ends)]).await?;
    other.run(CUT, vec![json!(reversed)]).await?;
    ensure!(between(one, other).await?.is_empty(), "it was not cut");
    Ok(())
}

/// The open connections between two tabs: what each end calls itself in its description.
async fn between(one: &Page, other: &Page) -> Result<Vec<(String, String)>> {
    let (mine, theirs) = (ends(one).await?, ends(other).await?);
    Ok(mine
        .into_iter()
        .filter(|(local, remote)| theirs.contains(&(remote.clone(), local.clone())))
        .collect())
}

/// The lines of the descriptions, own and remote, that name the ends of the open connections.
async fn ends(page: &Page) -> Result<Vec<(String, String)>> {
    const ENDS: &str = r"
        const end = (description) => /^a=ice-ufrag:\S+/m.exec(description?.sdp ?? '')?.[0] ?? '';
        return window.wires
            .filter((wire) => wire.connectionState === 'connected')
            .map((wire) => [end(wire.localDescription), end(wire.remoteDescription)]);";
    let ends: Value = page.run(ENDS, Vec::new()).await?;
    Ok(serde_json::from_value(ends)?)
}
