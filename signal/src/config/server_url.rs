//! Where a rendezvous server is.

use std::str::FromStr;

use axum::http::Uri;

use super::{ParseFlagError, is_plain_authority};

/// The address of a rendezvous socket, `ws://…` or `wss://…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    text: String,
    origin: String,
}

impl ServerUrl {
    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port, as they stand in a content security policy.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl FromStr for ServerUrl {
    type Err = ParseFlagError;

    fn from_str(text: &str) -> Result<Self, ParseFlagError> {
        let uri: Uri = text.parse().map_err(|_| ParseFlagError::Server)?;
        match (uri.scheme_str(), uri.authority()) {
            (Some(scheme @ ("ws" | "wss")), Some(authority)) if is_plain_authority(authority.as_str()) => Ok(Self {
                origin: format!("{scheme}://{authority}"),
                text: text.to_owned(),
            }),
            _ => Err(ParseFlagError::Server),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_cannot_smuggle_anything_into_the_policy() {
        let server: ServerUrl = "wss://example.org:8443/ws".parse().unwrap();
        assert_eq!(server.origin(), "wss://example.org:8443");
        for text in [
            "https://example.org",
            "wss://a;script-src",
            "wss://a b",
            "wss://u@host/ws",
            "example.org",
        ] {
            assert_eq!(text.parse::<ServerUrl>(), Err(ParseFlagError::Server), "{text}");
        }
    }
}
