//! How the node stands with server and mesh.

use yew::prelude::*;

use crate::state::connection::{Standing, Tone};

/// Properties of [`Connection`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct ConnectionProps {
    /// How it stands.
    pub standing: Standing,
    /// Seconds until the server is tried again, if it waits for that.
    pub retry_in: Option<u64>,
    /// Called when the person does not want to wait.
    pub on_retry: Callback<()>,
}

/// The status "Connection".
#[component]
pub fn Connection(props: &ConnectionProps) -> Html {
    let tone = match props.standing.tone {
        Tone::Good => "good",
        Tone::Busy => "busy",
        Tone::Trouble => "trouble",
    };
    let countdown = props.retry_in.map(|seconds| match seconds {
        0 => " Trying again now…".to_owned(),
        seconds => format!(" Trying again in {seconds} s."),
    });
    html! {
        <div class={classes!("connection", tone)}>
            <span class="connection-dot" aria-hidden="true" />
            <p class="connection-text" role="status" aria-label="Connection">
                { &props.standing.text }
                // Seen, but not read out anew each second.
                <span aria-hidden="true">{ countdown }</span>
            </p>
            if props.retry_in.is_some() {
                <button type="button" class="button small" onclick={props.on_retry.reform(|_: MouseEvent| ())}>
                    { "Try now" }
                </button>
            }
        </div>
    }
}
