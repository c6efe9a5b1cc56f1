//! What a person gives to say which room is meant: its link, or its name and a server.

use client::{
    route::Route,
    servers,
    validate::{self},
    words::page,
};
use shared::{
    RoomCode,
    room::{ParseRoomError, RoomKind},
};
use thiserror::Error;
use unicode_normalization::{UnicodeNormalization as _, char::is_public_assigned};

use crate::config::BOOTNODES_MAX;

/// A room and where people meet for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The room.
    pub code: RoomCode,
    /// The page that the link leads to; empty where there is no server.
    pub page: String,
    /// The addresses of the rendezvous servers. None where people meet without them: see [`crate::direct`].
    pub servers: Vec<String>,
}

/// No room, or no server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    /// Not a room.
    #[error("{}", room_words(*.0))]
    Room(#[from] ParseRoomError),
    /// Neither the link nor an option names a server.
    #[error(
        "this names no server. Give the whole link, or name a server with --server http://HOST:PORT, or a peer with --bootnodes HOST:PORT"
    )]
    NoServer,
    /// More bootnodes than are asked.
    #[error("name at most {BOOTNODES_MAX} bootnodes. One that is in the room is enough")]
    Bootnodes,
    /// Not an address.
    #[error("{0} is no address of a server. Write it as http://HOST:PORT, or wss://HOST/ws")]
    Server(String),
}

fn room_words(error: ParseRoomError) -> &'static str {
    match error {
        ParseRoomError::Empty => "give the link of a room, or its name. starling new makes one",
        ParseRoomError::TooLong
        | ParseRoomError::HiddenCharacter
        | ParseRoomError::UnknownCharacter
        | ParseRoomError::Damaged => client::words::room_error(error),
    }
}

impl Destination {
    /// Reads a link, or the name of a room. `servers` are those that were asked for; without any, the link's own is used.
    ///
    /// # Errors
    /// [`LinkError`], which says what to do.
    pub fn parse(text: &str, servers: &[String]) -> Result<Self, LinkError> {
        let code = validate::room(text, fold)?;
        let linked = page_in(text).map(|page| Server::parse(&page)).transpose()?;
        Self::with(code, linked, servers)
    }

    /// What to call the room as long as its founder gives it no name.
    #[must_use]
    pub fn title(&self) -> String {
        match self.code.open().kind() {
            RoomKind::Open => self.code.to_text(),
            RoomKind::Generated { .. } => page::PRIVATE_ROOM.to_owned(),
        }
    }

    /// A room without a server.
    ///
    /// # Errors
    /// [`LinkError::Room`].
    pub fn bare(text: &str) -> Result<Self, LinkError> {
        Ok(Self::without_server(validate::room(text, fold)?))
    }

    /// The same, for a room that was just made.
    #[must_use]
    pub fn without_server(code: RoomCode) -> Self {
        Self {
            code,
            page: String::new(),
            servers: Vec::new(),
        }
    }

    /// A room whose link was not made yet.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn new(code: RoomCode, servers: &[String]) -> Result<Self, LinkError> {
        Self::with(code, None, servers)
    }

    fn with(code: RoomCode, linked: Option<Server>, servers: &[String]) -> Result<Self, LinkError> {
        let asked = servers.iter().map(|server| Server::parse(server));
        let asked = asked.collect::<Result<Vec<_>, _>>()?;
        let all = if asked.is_empty() {
            linked.clone().into_iter().collect()
        } else {
            asked
        };
        let first = all.first().ok_or(LinkError::NoServer)?;
        let page = linked.map_or_else(|| first.page.clone(), |linked| linked.page);
        Ok(Self {
            code,
            page,
            servers: all.into_iter().map(|server| server.socket).collect(),
        })
    }

    /// The link, for others. Without a page it is the room's code alone: a shell takes what begins with `#` for a comment.
    #[must_use]
    pub fn link(&self) -> String {
        let code = self.code.to_text();
        if self.page.is_empty() {
            return code;
        }
        format!("{}{}", self.page, Route::Room { code }.to_fragment())
    }
}

/// See [`Fold`](shared::room::Fold). The same as in the page.
#[must_use]
pub fn fold(name: &str) -> Option<String> {
    let is_private = |char| matches!(char, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}');
    if name.chars().any(|char| is_private(char) || !is_public_assigned(char)) {
        return None;
    }
    let nfkc: String = name.nfkc().collect();
    Some(nfkc.to_lowercase().to_uppercase().to_lowercase().nfkc().collect())
}

/// The address before the room in a link, if there is one.
fn page_in(text: &str) -> Option<String> {
    let end = ["#/r/", "#%2F", "#%2f", "%23/r/"]
        .iter()
        .filter_map(|mark| text.find(mark))
        .min()?;
    let before = text.get(..end)?;
    let start = before.rfind(|char: char| char.is_whitespace() || "<([\"".contains(char));
    let address = before.get(start.map_or(0, |start| start + 1)..)?;
    (!address.is_empty()).then(|| address.to_owned())
}

/// A server by both of its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Server {
    page: String,
    socket: String,
}

impl Server {
    fn parse(address: &str) -> Result<Self, LinkError> {
        let wrong = || LinkError::Server(address.to_owned());
        let (scheme, rest) = match address.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            // Nobody has a certificate for these.
            None if ["localhost", "127.", "[::1]"]
                .iter()
                .any(|local| address.starts_with(local)) =>
            {
                ("http".to_owned(), address)
            }
            None => ("https".to_owned(), address),
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let host = rest.split('/').next().unwrap_or_default();
        if host.is_empty() || rest.chars().any(|char| char.is_whitespace() || char.is_control()) {
            return Err(wrong());
        }
        let rest = if rest.contains('/') {
            rest.to_owned()
        } else {
            format!("{rest}/")
        };
        match scheme.as_str() {
            "http" | "https" => {
                let folder = rest.rfind('/').map_or(rest.as_str(), |end| &rest[..=end]);
                let page = format!("{scheme}://{folder}");
                let socket = servers::beside(&page);
                Ok(Self { page, socket })
            }
            "ws" | "wss" => {
                let folder = rest.strip_suffix("ws").unwrap_or(&rest);
                let page = format!("http{}://{folder}", scheme.strip_prefix("ws").unwrap_or_default());
                let socket = format!("{scheme}://{folder}ws");
                Ok(Self { page, socket })
            }
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, servers: &[&str]) -> Result<(String, String, Vec<String>), LinkError> {
        let servers: Vec<_> = servers.iter().map(|server| (*server).to_owned()).collect();
        let destination = Destination::parse(text, &servers)?;
        Ok((destination.code.to_text(), destination.link(), destination.servers))
    }

    #[test]
    fn a_link_names_its_room_and_its_server() {
        for (text, link, server) in [
            (
                "http://localhost:8080/#/r/tea",
                "http://localhost:8080/#/r/tea",
                "ws://localhost:8080/ws",
            ),
            (
                "localhost:8080/#/r/tea",
                "http://localhost:8080/#/r/tea",
                "ws://localhost:8080/ws",
            ),
            (
                "come: <https://a.example/chat/#/r/tea>.",
                "https://a.example/chat/#/r/tea",
                "wss://a.example/chat/ws",
            ),
            ("a.example/#/r/tea", "https://a.example/#/r/tea", "wss://a.example/ws"),
        ] {
            let expected = ("tea".to_owned(), link.to_owned(), vec![server.to_owned()]);
            assert_eq!(parsed(text, &[]), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_server_that_was_asked_for_is_used_and_the_link_stays_the_same() {
        let expected = |link: &str, server: &str| Ok(("tea".to_owned(), link.to_owned(), vec![server.to_owned()]));
        for server in [
            "http://b.example:81",
            "ws://b.example:81/ws",
            "http://b.example:81/#/r/x",
        ] {
            assert_eq!(
                parsed("Tea", &[server]),
                expected("http://b.example:81/#/r/tea", "ws://b.example:81/ws"),
                "{server}"
            );
        }
        assert_eq!(
            parsed("https://a.example/#/r/tea", &["wss://b.example"]),
            expected("https://a.example/#/r/tea", "wss://b.example/ws")
        );
        assert_eq!(parsed("tea", &[]), Err(LinkError::NoServer));
        assert_eq!(parsed("", &["b.example"]), Err(LinkError::Room(ParseRoomError::Empty)));
        for wrong in ["ftp://b", "http://", "b c"] {
            assert_eq!(parsed("tea", &[wrong]), Err(LinkError::Server(wrong.to_owned())));
        }
    }

    #[test]
    fn names_are_folded_as_in_the_page() {
        assert_eq!(fold("Cafe\u{301} STRAẞE").as_deref(), Some("café strasse"));
        assert_eq!(fold("ΣΟΦΟΣ").as_deref(), Some("σοφος"));
        assert_eq!((fold("a\u{378}"), fold("\u{e000}")), (None, None));
    }
}
