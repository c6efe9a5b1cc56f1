//! Which rendezvous servers there are: the one that the program came from, and those that it names.

use shared::signal::Json;
pub use shared::signal::host_of as host;

use crate::config::SERVERS_MAX;

/// The addresses of the servers to use, `own` first. `config` is what is behind `/api/config`, if it could be had.
///
/// Each address stands once; past [`SERVERS_MAX`] they are dropped.
#[must_use]
pub fn merge(own: String, config: Option<&Json>) -> Vec<String> {
    let named = config.and_then(|config| config.field("servers")?.texts());
    let mut servers = vec![own];
    for server in named.unwrap_or_default() {
        if servers.len() < SERVERS_MAX && !servers.contains(&server) {
            servers.push(server);
        }
    }
    servers
}

/// The address of the server that a page came from: beside the page.
#[must_use]
pub fn beside(page: &str) -> String {
    let page = page.split(['?', '#']).next().unwrap_or_default();
    let folder = page.rfind('/').map_or(page, |end| &page[..=end]);
    // `http` becomes `ws`, `https` becomes `wss`.
    format!("ws{}ws", folder.strip_prefix("http").unwrap_or(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(config: &str) -> Vec<String> {
        merge("own".to_owned(), serde_json::from_str(config).ok().as_ref())
    }

    #[test]
    fn the_own_server_is_first_and_each_stands_once() {
        assert_eq!(merged(r#"{"servers":["b","own","b","c"],"more":1}"#), ["own", "b", "c"]);
    }

    #[test]
    fn the_own_server_is_beside_the_page() {
        for (page, server) in [
            ("http://localhost:8080/", "ws://localhost:8080/ws"),
            ("https://rooms.example/#/r/tea", "wss://rooms.example/ws"),
            (
                "https://rooms.example/chat/index.html?a/b#/r/tea",
                "wss://rooms.example/chat/ws",
            ),
        ] {
            assert_eq!(beside(page), server, "{page}");
        }
    }

    #[test]
    fn there_is_a_bound() {
        assert_eq!(merged(r#"{"servers":["a","b","c","d","e"]}"#).len(), SERVERS_MAX);
    }

    #[test]
    fn what_cannot_be_read_names_nobody() {
        for config in ["", "{}", "[]", r#"{"servers":[1]}"#, "<!doctype html>"] {
            assert_eq!(merged(config), ["own"], "{config}");
        }
        assert_eq!(merge("own".to_owned(), None), ["own"]);
    }
}
