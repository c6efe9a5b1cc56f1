//! Whether the TURN servers work that clients are named: each of them is asked now and then for what a client asks of it.
//!
//! The question is the allocation of a relayed address (RFC 8656 section 7) with credentials like those of a client, and the address is given back
//! at once: so a secret that the two servers do not share is found out, too. What comes of it stands in the metrics, and each change is one line in
//! the log. `message` is a question and its answer as bytes, `way` carries them.
//!
//! Not here: `turns:` over UDP (DTLS), which nobody asks, so the metrics do not have it.

mod message;
mod way;

use std::io;

use thiserror::Error;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    App,
    config::{TURN_CHECK_PAUSE, TURN_CHECK_TIMEOUT, TURN_RESEND, TurnAddress, TurnSecret},
    hub::turn::login,
    shared_hub::now,
};
use message::{Answer, Kind, Proof, question};
use way::Way;

/// Why a TURN server is of no use to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
enum Fault {
    #[error("it cannot be reached")]
    Unreachable,
    #[error("it does not answer in time")]
    Silent,
    #[error("its certificate is not one that this machine trusts")]
    Certificate,
    #[error("it refuses the credentials: is its secret the one in --turn-secret-file?")]
    Credentials,
    #[error("it gives nobody a relayed address (error {code})")]
    Refused { code: u16 },
    #[error("what answers there is no TURN server")]
    Nonsense,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        // What TLS has to complain of.
        if error.kind() == io::ErrorKind::InvalidData {
            Self::Certificate
        } else {
            Self::Unreachable
        }
    }
}

/// Asks the TURN servers of `app`, one by one and again and again. Never returns while there are any.
pub async fn watch(app: App) {
    let Some(turn) = app.turn().cloned() else {
        return;
    };
    let mut tasks = JoinSet::new();
    for url in &turn.urls {
        if let Some(address) = url.address() {
            tasks.spawn(watch_one(
                app.clone(),
                url.as_str().to_owned(),
                address,
                turn.secret.clone(),
            ));
        }
    }
    while tasks.join_next().await.is_some() {}
}

async fn watch_one(app: App, url: String, address: TurnAddress, secret: TurnSecret) {
    let mut before = None;
    loop {
        let health = check(&address, &secret).await;
        app.note_turn(&url, health.is_ok());
        if before != Some(health) {
            match health {
                Ok(()) => tracing::info!(%url, "the TURN server works"),
                Err(fault) => tracing::warn!(%url, "the TURN server is of no use: {fault}"),
            }
        }
        before = Some(health);
        sleep(TURN_CHECK_PAUSE).await;
    }
}

/// Asks once.
async fn check(address: &TurnAddress, secret: &TurnSecret) -> Result<(), Fault> {
    let got = timeout(TURN_CHECK_TIMEOUT, allocate(address, secret));
    let (mut way, proof) = got.await.unwrap_or(Err(Fault::Silent))?;
    // It would be kept for ten minutes. Whether that is answered does not matter.
    let _ = timeout(TURN_RESEND, ask(&mut way, Kind::GiveBack, proof.as_ref())).await;
    Ok(())
}

/// Gets a relayed address.
async fn allocate(address: &TurnAddress, secret: &TurnSecret) -> Result<(Way, Option<Proof>), Fault> {
    let mut way = Way::open(address).await?;
    let challenge = match ask(&mut way, Kind::Allocate, None).await? {
        Answer::Challenge(challenge) => challenge,
        // Then it relays for everybody: of use, if not as its operator may think.
        Answer::Success => return Ok((way, None)),
        Answer::Error(code) => return Err(Fault::Refused { code }),
    };
    // Good for longer than the check takes.
    let expires_at = now().unix_seconds.saturating_add(TURN_CHECK_PAUSE.as_secs());
    let proof = Proof::new(login(secret, "health", expires_at), challenge);
    match ask(&mut way, Kind::Allocate, Some(&proof)).await? {
        Answer::Success => Ok((way, Some(proof))),
        Answer::Challenge(_) => Err(Fault::Credentials),
        Answer::Error(code) => Err(Fault::Refused { code }),
    }
}

async fn ask(way: &mut Way, kind: Kind, proof: Option<&Proof>) -> Result<Answer, Fault> {
    let mut transaction = [0; 12];
    // Without randomness the server would not have started.
    let _ = getrandom::fill(&mut transaction);
    let answer = way.ask(&question(kind, transaction, proof)).await?;
    Answer::read(&answer, kind, transaction).ok_or(Fault::Nonsense)
}

#[cfg(test)]
mod tests;
