//! What happens, as server-sent events.
//!
//! A listener that does not read misses what happens meanwhile, past [`EVENTS_WAITING_MAX`](crate::config::EVENTS_WAITING_MAX), and is told how much that
//! was by an event `lagged`. Nobody else waits for it.

use std::convert::Infallible;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};
use serde_json::json;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{config::SSE_PING, harmless, report::Report};

pub(super) fn stream(events: Receiver<Report>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = stream::unfold(events, async |mut events| {
        let event = match events.recv().await {
            Ok(report) => of_report(&report),
            Err(RecvError::Lagged(missed)) => Event::default()
                .event("lagged")
                .data(json!({ "missed": missed }).to_string()),
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(event), events))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(SSE_PING))
}

fn of_report(report: &Report) -> Event {
    let data = serde_json::to_value(report).unwrap_or_default();
    let name = data["type"].as_str().unwrap_or("report").to_owned();
    // JSON has no line breaks but between its parts, and here it has none.
    Event::default().event(name).data(harmless::json(&data.to_string()))
}
