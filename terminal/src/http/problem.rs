//! Why a request is not answered, as a problem of RFC 9457.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use mesh::model::SendError;
use serde_json::json;
use thiserror::Error;

use crate::{desk::Refusal, harmless, words};

/// A request that is not answered. Nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Problem {
    #[error("this is for programs of this machine, under its own address. Ask for the address that --http names")]
    ForeignHost,
    #[error("this is not for pages of browsers")]
    ForeignOrigin,
    #[error("send the header Authorization: Bearer TOKEN. The token is in the file that was named at the start")]
    NoToken,
    #[error("without a token this would do what a link in any page asks for. Use POST, or a token")]
    ByLink,
    #[error("a header stands twice, or has characters that no header has")]
    Headers,
    #[error("there is no such thing here. GET /openapi.json lists what there is")]
    NotFound,
    #[error("this cannot be done with this method. GET /openapi.json lists what can")]
    Method,
    #[error("{0}")]
    Unreadable(String),
    #[error("{text}")]
    Refused { status: u16, text: String },
    #[error("the body of the request is too long")]
    TooLarge,
    #[error("the room was left")]
    Left,
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::ForeignOrigin | Self::ByLink => StatusCode::FORBIDDEN,
            Self::NoToken => StatusCode::UNAUTHORIZED,
            Self::Headers | Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Refused { status, .. } => StatusCode::from_u16(*status).unwrap_or(StatusCode::CONFLICT),
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Left => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What kind of problem it is, in few words that do not change.
    fn title(&self) -> &'static str {
        match self {
            Self::Refused { .. } => words::REFUSED,
            Self::ForeignHost => "not for this host",
            Self::ForeignOrigin => "not for this origin",
            Self::NoToken => "no token",
            Self::ByLink => "not without a token",
            Self::Headers | Self::Unreadable(_) => "not understood",
            Self::NotFound => "not found",
            Self::Method => "not this method",
            Self::TooLarge => "too long",
            Self::Left => "not in a room",
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::NoSuchMessage
            | Refusal::SaidNothing { .. }
            | Refusal::NothingOfOurs
            | Refusal::NoSuchFile { .. }
            | Refusal::SeveralFiles { .. } => StatusCode::NOT_FOUND,
            Refusal::NotSent {
                error: SendError::TooLong { .. },
                ..
            } => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::NotSent {
                error: SendError::Empty,
                ..
            }
            | Refusal::Name(_)
            | Refusal::Topic(_)
            | Refusal::Unreadable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::NotSent {
                error: SendError::Full, ..
            } => StatusCode::TOO_MANY_REQUESTS,
            Refusal::NobodyCalled { .. }
            | Refusal::Ambiguous { .. }
            | Refusal::NotSent { .. }
            | Refusal::Invitation(_)
            | Refusal::Close(_)
            | Refusal::NotSure
            | Refusal::ForgetNotSure
            | Refusal::DeleteNotSure { .. }
            | Refusal::NotFetched { .. }
            | Refusal::File { .. }
            | Refusal::Fetch { .. }
            | Refusal::NotSaved { .. }
            | Refusal::NotImported { .. }
            | Refusal::NotRead { .. } => StatusCode::CONFLICT,
        };
        Self::Refused {
            status: status.as_u16(),
            text: refusal.to_string(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let detail = match &self {
            Self::Refused { text, .. } => format!("{}: {text}", words::REFUSED),
            Self::ForeignHost
            | Self::ForeignOrigin
            | Self::NoToken
            | Self::ByLink
            | Self::Headers
            | Self::NotFound
            | Self::Method
            | Self::Unreadable(_)
            | Self::TooLarge
            | Self::Left => self.to_string(),
        };
        let body = json!({
            "type": "about:blank",
            "title": self.title(),
            "status": status.as_u16(),
            "detail": detail,
        });
        let headers = [(header::CONTENT_TYPE, "application/problem+json")];
        let body = harmless::json(&body.to_string());
        (status, headers, format!("{body}\n")).into_response()
    }
}
