//! What the states and events of a program are called in the diagnostics. Nobody's name is among these words.

use mesh::io::{LinkEnd, LinkKind, Path};
use mesh::model::{Alert, Obstacle, PersonState, ServerState};

use super::Command;

pub(super) fn command(command: Command) -> &'static str {
    match command {
        Command::Say => "said",
        Command::Whisper => "whispered",
        Command::Edit => "edited",
        Command::Delete => "deleted",
        Command::React => "reacted",
        Command::NameRoom => "named the room",
        Command::Keep => "said for how long",
        Command::Import => "brought back an export",
        Command::Rename => "took another name",
        Command::Invite => "invited",
        Command::TakeInvitation => "took an invitation",
        Command::OfferFile => "offered a file",
        Command::FetchFile => "fetched a file",
        Command::PauseFile => "paused a file",
        Command::CancelFile => "cancelled a file",
        Command::CloseRoom => "closed the room",
        Command::Leave => "left",
        Command::Retry => "tried the servers",
    }
}

pub(super) fn path(path: Path) -> &'static str {
    match path {
        Path::Connected => "path found",
        Path::Disconnected => "path lost",
        Path::Failed => "no path",
    }
}

pub(super) fn kind(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Local => "local",
        LinkKind::Direct => "direct",
        LinkKind::Relayed => "relayed",
    }
}

pub(super) fn end(end: LinkEnd) -> &'static str {
    match end {
        LinkEnd::ClosedByPeer => "closed by the peer",
        LinkEnd::Failed => "failed",
        LinkEnd::SlowReader => "slow reader",
        LinkEnd::Exhausted => "connections exhausted",
    }
}

pub(super) fn server(state: &ServerState) -> &'static str {
    match state {
        ServerState::Connecting => "connecting",
        ServerState::Registered { .. } => "registered",
        ServerState::Waiting { .. } => "waiting",
        ServerState::Spare => "spare",
        ServerState::Stopped => "stopped",
    }
}

pub(super) fn person(state: PersonState) -> &'static str {
    match state {
        PersonState::Connecting => "connecting",
        PersonState::Here => "here",
        PersonState::Reconnecting => "reconnecting",
        PersonState::OutOfReach { obstacle } => self::obstacle(obstacle),
        PersonState::Gone => "gone",
        PersonState::Left => "left",
        PersonState::Away => "away",
    }
}

/// Who is in the room and out of reach.
pub(super) const OBSTACLES: [Obstacle; 12] = [
    Obstacle::NoAnswer,
    Obstacle::NoStun,
    Obstacle::StunSilent,
    Obstacle::OwnNetwork,
    Obstacle::TheirNetwork,
    Obstacle::OwnNat,
    Obstacle::TheirNat,
    Obstacle::BothNats,
    Obstacle::RelaySilent,
    Obstacle::OwnPolicy,
    Obstacle::TheirPolicy,
    Obstacle::Firewall,
];

fn obstacle(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::NoAnswer => "unanswered",
        Obstacle::NoStun => "blocked, no STUN",
        Obstacle::StunSilent => "blocked, STUN silent",
        Obstacle::OwnNetwork => "blocked, no UDP here",
        Obstacle::TheirNetwork => "blocked, no UDP there",
        Obstacle::OwnNat => "blocked, NAT here",
        Obstacle::TheirNat => "blocked, NAT there",
        Obstacle::BothNats => "blocked, both NATs",
        Obstacle::RelaySilent => "blocked, TURN silent",
        Obstacle::OwnPolicy => "blocked, relay only here",
        Obstacle::TheirPolicy => "blocked, relay only there",
        Obstacle::Firewall => "blocked, firewall",
    }
}

pub(super) fn alert(alert: &Alert) -> &'static str {
    match alert {
        Alert::NameTaken { .. } => "name taken",
        Alert::ClockWrong { .. } => "clock wrong",
        Alert::Tampering { .. } => "tampering",
        Alert::Misbehaving { .. } => "misbehaving",
        Alert::Equivocated { .. } => "equivocated",
        Alert::PeerVersion { .. } => "version of a peer",
        Alert::ServerVersion { .. } => "version of a server",
        Alert::Superseded => "superseded",
        Alert::TwoLives => "two lives",
        Alert::SaidElsewhere => "said elsewhere",
        Alert::RoomFull => "room full",
        Alert::ServerFull => "server full",
        Alert::HelloRefused => "hello refused",
        Alert::LinksExhausted => "connections exhausted",
    }
}
