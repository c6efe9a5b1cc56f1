//! The content security policy of the app's page.

use std::fmt::Write;

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use crate::config::{ServerUrl, is_plain_authority};

/// What the page with this text may do, as it was asked for at `host`.
pub(super) fn policy(scripts: &str, servers: &str, host: Option<&str>) -> String {
    // For some browsers 'self' does not cover the WebSocket schemes, so the host is named.
    let sockets = match host {
        // An address of IPv6 has no form in a policy; browsers that know 'self' for sockets need none.
        Some(host) if is_plain_authority(host) && !host.starts_with('[') => format!(" ws://{host} wss://{host}"),
        Some(_) | None => String::new(),
    };
    // Text becomes neither markup nor the address of a script, but for the addresses that the page's own policy `default` lets pass (Trusted Types).
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{scripts}; style-src 'self'; img-src 'self' data: blob:; media-src blob:; \
         font-src 'self'; connect-src 'self'{sockets}{servers}; manifest-src 'self'; worker-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default"
    )
}

/// Servers besides this one that pages may connect to, and the nodes of its network, each with a space before it.
pub(super) fn servers(servers: &[ServerUrl], nodes: &[String]) -> String {
    let origins = servers.iter().map(ServerUrl::origin);
    origins
        .chain(nodes.iter().map(String::as_str))
        .fold(String::new(), |mut list, origin| {
            // Writing into a string does not fail.
            _ = write!(list, " {origin}");
            list
        })
}

/// The hashes of all inline scripts, each as ` 'sha256-…'`. Trunk writes one: the module that starts the app.
///
/// The pages come from our own build, so this function need not understand all of HTML. A script that the function missed
/// would not run, which is the safe side.
pub(super) fn inline_script_hashes(html: &str) -> String {
    let mut hashes = String::new();
    let mut rest = html;
    while let Some(start) = rest.find("<script") {
        rest = &rest[start..];
        let Some((tag, after)) = rest.split_once('>') else {
            break;
        };
        let Some((script, after)) = after.split_once("</script") else {
            break;
        };
        if !tag.contains(" src=") {
            // Writing into a string does not fail.
            _ = write!(
                hashes,
                " 'sha256-{}'",
                BASE64.encode(&Sha256::digest(script.as_bytes()))
            );
        }
        rest = after;
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_scripts_are_hashed_and_others_are_not() {
        // The hash of "alert('Hello, world.');" is the example of the CSP specification, level 2, §4.2.
        let html = r#"<script src="/a.js"></script><script type="module">alert('Hello, world.');</script>"#;
        assert_eq!(
            inline_script_hashes(html),
            " 'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
        );
        assert_eq!(inline_script_hashes("<script>cut off"), "");
    }

    #[test]
    fn a_forged_host_stays_out_of_the_policy() {
        let servers = servers(&["wss://other.org/ws".parse().unwrap()], &["wss://node.org".to_owned()]);
        let policy = |host| policy("", &servers, Some(host));
        for host in ["evil; script-src *", "[::1]:8080"] {
            let policy = policy(host);
            assert!(
                policy.contains("connect-src 'self' wss://other.org wss://node.org;"),
                "{policy}"
            );
        }
        let policy = policy("localhost:8080");
        assert!(
            policy.contains(
                "connect-src 'self' ws://localhost:8080 wss://localhost:8080 wss://other.org wss://node.org;"
            ),
            "{policy}"
        );
    }
}
