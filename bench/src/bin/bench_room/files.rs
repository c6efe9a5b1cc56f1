//! A file from one terminal to another: verified and stored, beside a bare pump of as many bytes.
//!
//! Ours: from the command that fetches the file until the receiver says that all of it is there: all pieces verified, and their transactions done. The file
//! was offered before, and the receiver's disk is that of the temporary folder. Bare: from the request to the last byte, which is thrown away.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use bench::percentile;
use tests::server::Server;
use tokio::{process::Command, time::timeout};

use crate::{
    Row,
    program::{Talker, starling},
};

/// The bound, on the median of the ratios of ours to bare.
const RATIO_MIN: f64 = 0.9;

/// A transfer that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(180);

const MIB: usize = 1024 * 1024;

pub(crate) async fn measure(mib: u32, pairs: u32) -> Result<Vec<Row>> {
    let server = Server::start().await?;
    let folder = tempfile::tempdir()?;
    let room = format!("{}#/r/a-file", server.url());
    let enter = |name: &str| {
        let data = folder.path().join(name);
        std::fs::create_dir_all(&data)?;
        let mut command = starling(&data)?;
        command.args(["--json", "chat", &room, "--name", name]);
        Talker::start(command)
    };
    let (mut ann, mut bob) = (enter("Ann")?, enter("Bob")?);
    let (mut ours, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..pairs {
        let file = folder.path().join(format!("film {number}.bin"));
        write(&file, mib, number)?;
        let turn = our_turn((&mut ann, &mut bob), &file, folder.path());
        let seconds = timeout(PATIENCE, turn).await.context("it takes too long")??;
        std::fs::remove_file(&file)?;
        let bare_seconds = timeout(PATIENCE, bare_turn(mib)).await.context("it takes too long")??;
        ours.push(f64::from(mib) / seconds);
        bare.push(f64::from(mib) / bare_seconds);
        ratios.push(bare_seconds / seconds);
    }
    let [ours, bare, ratio] = [&ours, &bare, &ratios].map(|values| percentile(values, 50));
    Ok(vec![Row::new(
        format!("a file of {mib} MiB, terminal to terminal, {pairs} turns"),
        format!("{ratio:.2}: {ours:.1} of {bare:.1} MiB/s bare"),
        format!("{RATIO_MIN} of a bare str0m pump"),
        ratio >= RATIO_MIN,
    )])
}

/// Bytes that nobody has seen before.
fn write(path: &Path, mib: u32, number: u32) -> Result<()> {
    let mut word = number.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut bytes = Vec::with_capacity(mib as usize * MIB);
    while bytes.len() < bytes.capacity() {
        // Xorshift (Marsaglia, 2003).
        word ^= word << 13;
        word ^= word >> 17;
        word ^= word << 5;
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    std::fs::write(path, bytes).context("the file cannot be written")
}

async fn our_turn((ann, bob): (&mut Talker, &mut Talker), file: &Path, folder: &Path) -> Result<f64> {
    ann.tell(&format!("/send {}", file.display())).await?;
    let offer = bob
        .hear(|line| line["type"] == "message" && line["file"].is_object())
        .await?;
    let number = offer["file"]["number"].as_u64().context("a number")?;
    let target = folder.join("got");
    let started = Instant::now();
    bob.tell(&format!("/get {number} {}", target.display())).await?;
    bob.hear(|line| line["type"] == "file" && line["state"] == "whole")
        .await?;
    let seconds = started.elapsed().as_secs_f64();
    bob.hear(|line| line["type"] == "done" && line["text"].as_str().is_some_and(|text| text.contains("is in")))
        .await?;
    std::fs::remove_file(&target)?;
    Ok(seconds)
}

/// Two processes of this program, which exchange an offer and an answer through us.
async fn bare_turn(mib: u32) -> Result<f64> {
    let end = |which: &str| {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["--pump", which, "--mib", &mib.to_string()])
            .stderr(Stdio::inherit());
        Talker::start(command)
    };
    let (mut sender, mut receiver) = (end("send")?, end("receive")?);
    receiver.tell(&sender.line().await?).await?;
    sender.tell(&receiver.line().await?).await?;
    let seconds = receiver.line().await?;
    seconds.parse().context("a number of seconds")
}
