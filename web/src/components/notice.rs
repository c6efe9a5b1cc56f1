//! The one way in which errors and warnings are shown.

use yew::prelude::*;

use super::icon::{Icon, glyph};
use crate::state::notice::{Level, Notice, NoticeAction};

/// Shows a notice. It is read out at once by assistive technology: when it is bad, over whatever is being read.
///
/// `id` ties a field to it; `on_action` is called by its button, if it has one; without `on_dismiss`, the notice stays.
pub fn notice_view(
    notice: &Notice,
    id: Option<&'static str>,
    on_action: &Callback<NoticeAction>,
    on_dismiss: Option<Callback<()>>,
) -> Html {
    let Notice { level, text, action } = notice;
    let (class, icon, role) = match level {
        Level::Info => ("info", Icon::Info, "status"),
        Level::Warning => ("warning", Icon::Warning, "alert"),
        Level::Danger => ("danger", Icon::Warning, "alert"),
    };
    html! {
        <div {id} class={classes!("notice", class)} {role}>
            { glyph(icon) }
            <p class="notice-text">{ text }</p>
            if let Some(action) = *action {
                <button type="button" class="button small" onclick={on_action.reform(move |_: MouseEvent| action)}>{ action.label() }</button>
            }
            if let Some(on_dismiss) = on_dismiss {
                <button
                    type="button"
                    class="button icon-only"
                    aria-label="Dismiss"
                    title="Dismiss"
                    onclick={on_dismiss.reform(|_: MouseEvent| ())}
                >
                    { glyph(Icon::Close) }
                </button>
            }
        </div>
    }
}
