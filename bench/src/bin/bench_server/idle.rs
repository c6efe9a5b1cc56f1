//! What an idle registered socket takes of a server's memory.

use std::sync::Arc;

use anyhow::Result;
use tokio::time::timeout;

use crate::{
    PATIENCE,
    client::{Member, open_idle, open_pair, send_burst},
    row::{Bound, Row},
    server::{Role, Server},
    tls::Certificate,
};

/// Idle sockets whose memory is measured.
const SOCKETS: u32 = 5_000;

/// Those of servers that take a hundred kilobytes for each.
const LARGE_SOCKETS: u32 = 1_000;

/// Sockets that are opened before the first measurement, so that memory that a server needs only once is not counted.
const WARM_UP_SOCKETS: u32 = 200;

/// Messages of a burst.
const BURST: usize = 32;

const BYTES_BOUND: f64 = 10_000.0;
const MATCHBOX_RATIO_BOUND: f64 = 0.1;

pub(crate) async fn measure() -> Result<Row> {
    let certificate = Arc::new(Certificate::issue()?);
    let roles = [
        Role::Ours,
        Role::Tls,
        Role::Bare,
        Role::Axum,
        Role::Matchbox,
        Role::PeerJs,
    ];
    let mut values = Vec::new();
    for role in roles.into_iter().filter(|role| role.is_there()) {
        values.push((role.name(), bytes(role, &certificate).await?));
    }
    let of = |role: Role| {
        values
            .iter()
            .find(|(name, _)| *name == role.name())
            .map(|(_, bytes)| *bytes)
    };
    let ours = of(Role::Ours).unwrap_or(f64::MAX);
    let mut bounds = vec![Bound {
        of: "ours".to_owned(),
        value: ours,
        at_most: BYTES_BOUND,
    }];
    bounds.extend(of(Role::Matchbox).map(|matchbox| Bound {
        of: "ours / matchbox".to_owned(),
        value: ours / matchbox,
        at_most: MATCHBOX_RATIO_BOUND,
    }));
    Ok(Row {
        name: "memory of an idle registered socket".to_owned(),
        unit: "bytes",
        values,
        bounds,
        note: String::new(),
    })
}

/// The same for sockets through which a burst has gone: what a server then keeps of its buffers.
pub(crate) async fn measure_after_burst() -> Result<Row> {
    let mut values = Vec::new();
    for role in [Role::Ours, Role::Bare, Role::Axum, Role::Matchbox] {
        if role.is_there() {
            values.push((role.name(), bytes_after_burst(role).await?));
        }
    }
    Ok(Row {
        name: format!("the same after {BURST} messages of 1 KB at once to each"),
        unit: "bytes",
        values,
        bounds: Vec::new(),
        note: String::new(),
    })
}

async fn bytes_after_burst(role: Role) -> Result<f64> {
    let server = Server::start(role)?;
    let mut pairs = Vec::new();
    for pair in 0..WARM_UP_SOCKETS / 2 {
        pairs.push(pair_after_burst(&server, pair).await?);
    }
    let before = server.resident_bytes()?;
    for pair in 0..LARGE_SOCKETS / 2 {
        pairs.push(pair_after_burst(&server, WARM_UP_SOCKETS + pair).await?);
    }
    let after = server.resident_bytes()?;
    Ok((after.saturating_sub(before) / u64::from(LARGE_SOCKETS)) as f64)
}

async fn pair_after_burst(server: &Server, pair: u32) -> Result<[Member; 2]> {
    let [mut one, mut other] = open_pair(server, [2 * pair, 2 * pair + 1], pair).await?;
    timeout(PATIENCE, send_burst(server.role(), &mut one, &mut other, BURST)).await??;
    timeout(PATIENCE, send_burst(server.role(), &mut other, &mut one, BURST)).await??;
    Ok([one, other])
}

async fn bytes(role: Role, certificate: &Arc<Certificate>) -> Result<f64> {
    let count = match role {
        Role::Ours | Role::Tls | Role::Public => SOCKETS,
        Role::Bare | Role::Axum | Role::Matchbox | Role::PeerJs => LARGE_SOCKETS,
    };
    let server = Server::start_with(role, &[certificate.variable()])?;
    let mut idle = open_idle(&server, certificate, 0..WARM_UP_SOCKETS).await?;
    let before = server.resident_bytes()?;
    idle.extend(open_idle(&server, certificate, WARM_UP_SOCKETS..WARM_UP_SOCKETS + count).await?);
    let after = server.resident_bytes()?;
    Ok((after.saturating_sub(before) / u64::from(count)) as f64)
}
