//! How the node stands with server and mesh.

use client::{
    standing::{Standing, Tone},
    words::{self, label},
};
use yew::prelude::*;

/// The status "Connection", with what can be done about it beside it. `retry_in`: seconds until the server is tried again, if it waits for that; `on_retry`: called when
/// the person does not want to wait; `more`: further buttons.
pub fn connection(standing: &Standing, retry_in: Option<u64>, on_retry: &Callback<()>, more: Html) -> Html {
    let tone = match standing.tone {
        // Nothing to do and nothing to wait for: a line of the bar, no strip below it.
        Tone::Good => "calm",
        Tone::Busy => "busy",
        Tone::Trouble => "trouble",
    };
    let countdown = retry_in.map(words::countdown);
    html! {
        <div class={classes!("connection", tone)}>
            <span class="connection-dot" aria-hidden="true" />
            <p class="connection-text" role="status" aria-label={label::CONNECTION}>
                { words::standing(standing) }
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
