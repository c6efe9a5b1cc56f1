//! The path under which the server has everything.

use std::str::FromStr;

use super::{HOST_BYTES_MAX, ParseFlagError};

/// A path before all others, like `/chat`, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasePath(String);

impl BasePath {
    /// As it stands before other paths.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BasePath {
    type Err = ParseFlagError;

    fn from_str(text: &str) -> Result<Self, ParseFlagError> {
        let path = text.strip_suffix('/').unwrap_or(text);
        let is_plain = |part: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
            !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain)
        };
        let is_path = path
            .strip_prefix('/')
            .is_some_and(|parts| parts.split('/').all(is_plain));
        (is_path && path.len() <= HOST_BYTES_MAX)
            .then(|| Self(path.to_owned()))
            .ok_or(ParseFlagError::BasePath)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_is_plain_and_has_no_slash_at_its_end() {
        for (text, path) in [("/chat", "/chat"), ("/chat/", "/chat"), ("/a/b-1", "/a/b-1")] {
            assert_eq!(text.parse::<BasePath>().unwrap().as_str(), path);
        }
        for text in ["", "/", "//", "chat", "/a//b", "/a b", "/../a", "/a?b", "/%23"] {
            assert_eq!(text.parse::<BasePath>(), Err(ParseFlagError::BasePath), "{text}");
        }
    }
}
