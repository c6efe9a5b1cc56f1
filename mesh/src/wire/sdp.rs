//! The little that a node reads in a session description (RFC 8866) before it lets a browser act on it.

use thiserror::Error;

use crate::config::SDP_BYTES_MAX;

/// A description that no driver is handed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum SdpError {
    /// Over [`SDP_BYTES_MAX`].
    #[error("the description is too large")]
    TooLarge,
    /// No SHA-256 fingerprint, or several different ones: it would not say whom the connection reaches.
    #[error("the description does not name one certificate")]
    Fingerprint,
    /// Candidates, which are told apart from descriptions, where each is checked.
    #[error("the description carries candidates")]
    Candidates,
    /// Something else than one data-channel section.
    #[error("the description offers more than data channels")]
    Media,
}

/// The SHA-256 fingerprint of the certificate that a description names, in upper case: hex pairs with colons. Empty if there is none.
pub(crate) fn certificate(sdp: &str) -> String {
    let mut values = sdp.lines().filter_map(|line| line.strip_prefix("a=fingerprint:"));
    let digest = values
        .find_map(|value| value.split_once(' '))
        .map(|(_, digest)| digest.trim());
    digest.unwrap_or_default().to_ascii_uppercase()
}

/// A description of ours without the candidates that were found meanwhile: the driver reports each of them by itself, too.
pub(crate) fn without_candidates(sdp: &str) -> String {
    sdp.split_inclusive('\n').filter(|line| !is_candidate(line)).collect()
}

fn is_candidate(line: &str) -> bool {
    line.starts_with("a=candidate") || line.starts_with("a=end-of-candidates")
}

/// Checks that a description is for data channels alone and pins exactly one certificate by SHA-256 (RFC 8122 §5).
pub(crate) fn check(sdp: &str) -> Result<(), SdpError> {
    if sdp.len() > SDP_BYTES_MAX {
        return Err(SdpError::TooLarge);
    }
    let mut fingerprint = None;
    let mut sections = 0;
    for line in sdp.lines() {
        if let Some(value) = line.strip_prefix("a=fingerprint:") {
            let (algorithm, digest) = value.split_once(' ').ok_or(SdpError::Fingerprint)?;
            let digest = digest.trim();
            // 32 bytes as hex pairs with colons.
            if !algorithm.eq_ignore_ascii_case("sha-256") || digest.len() != 32 * 3 - 1 {
                return Err(SdpError::Fingerprint);
            }
            if fingerprint.is_some_and(|known| known != digest) {
                return Err(SdpError::Fingerprint);
            }
            fingerprint = Some(digest);
        } else if is_candidate(line) {
            return Err(SdpError::Candidates);
        } else if let Some(section) = line.strip_prefix("m=") {
            sections += 1;
            if !section.starts_with("application ") || sections > 1 {
                return Err(SdpError::Media);
            }
        }
    }
    if fingerprint.is_none() {
        return Err(SdpError::Fingerprint);
    }
    if sections == 1 { Ok(()) } else { Err(SdpError::Media) }
}

#[cfg(test)]
pub(crate) mod test {
    /// A description that peers accept.
    pub(crate) fn sdp() -> String {
        let certificate = ["AB"; 32].join(":");
        format!("v=0\r\nm=application 9 UDP/DTLS/SCTP x\r\na=fingerprint:sha-256 {certificate}\r\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sdp(lines: &[&str]) -> String {
        lines.join("\r\n")
    }

    #[test]
    fn one_certificate_and_one_data_section_are_demanded() {
        let one = format!("a=fingerprint:sha-256 {}", ["AB"; 32].join(":"));
        let other = format!("a=fingerprint:sha-256 {}", ["CD"; 32].join(":"));
        let weak = format!("a=fingerprint:sha-1 {}", ["AB"; 20].join(":"));
        let data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel";
        let candidate = "a=candidate:1 1 tcp 9 127.0.0.1 22 typ host tcptype passive";
        let audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111";
        for (lines, expected) in [
            (vec!["v=0", data, &one], Ok(())),
            (vec!["v=0", &one, data, &one], Ok(())),
            (vec!["v=0", data], Err(SdpError::Fingerprint)),
            (vec!["v=0", data, &one, &other], Err(SdpError::Fingerprint)),
            (vec!["v=0", data, &weak], Err(SdpError::Fingerprint)),
            (vec!["v=0", &one], Err(SdpError::Media)),
            (vec!["v=0", data, &one, audio], Err(SdpError::Media)),
            (vec!["v=0", audio, &one], Err(SdpError::Media)),
            (vec!["v=0", data, &one, candidate], Err(SdpError::Candidates)),
        ] {
            assert_eq!(check(&sdp(&lines)), expected, "{lines:?}");
        }
        let found = sdp(&["v=0", data, candidate, &one, "a=end-of-candidates", ""]);
        assert_eq!(without_candidates(&found), sdp(&["v=0", data, &one, ""]));
        assert_eq!(check(&"x".repeat(SDP_BYTES_MAX + 1)), Err(SdpError::TooLarge));
    }
}
