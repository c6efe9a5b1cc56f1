//! How the node stands with server and mesh.

use yew::prelude::*;

use crate::state::connection::{Standing, Tone};

/// The status "Connection", with what can be done about it beside it. `retry_in`: seconds until the server is tried again, if it waits for that; `on_retry`: called when
/// the person does not want to wait; `more`: further buttons.
pub fn connection(standing: &Standing, retry_in: Option<u64>, on_retry: &Callback<()>, more: Html) -> Html {
    let tone = match standing.tone {
        Tone::Good => "good",
        Tone::Busy => "busy",
        Tone::Trouble => "trouble",
    };
    let countdown = retry_in.map(|seconds| match seconds {
        0 => " Trying again now…".to_owned(),
        seconds => format!(" Trying again in {seconds} s."),
    });
    html! {
        <div class={classes!("connection", tone)}>
            <span class="connection-dot" aria-hidden="true" />
            <p class="connection-text" role="status" aria-label="Connection">
                { &standing.text }
                // Seen, but not read out anew each second.
                <span aria-hidden="true">{ countdown }</span>
            </p>
            if retry_in.is_some() {
                <button type="button" class="button small" onclick={on_retry.reform(|_: MouseEvent| ())}>
                    { "Try now" }
                </button>
            }
            { more }
        </div>
    }
}
