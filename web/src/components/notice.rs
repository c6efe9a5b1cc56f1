//! The one way in which errors and warnings are shown.

use client::{
    notice::{Level, Notice, NoticeAction},
    words,
};
use yew::prelude::*;

use super::{
    element::icon_button,
    icon::{Icon, glyph},
};

/// Shows a notice. It is read out at once by assistive technology: when it is bad, over whatever is being read.
///
/// `id` ties a field to it; `on_action` is called by its button, if it has one; without `on_dismiss`, the notice stays.
pub fn notice_view(
    notice: &Notice,
    id: Option<&'static str>,
    on_action: &Callback<NoticeAction>,
    on_dismiss: Option<Callback<()>>,
) -> Html {
    let (class, icon, role) = match notice.level {
        Level::Info => ("info", Icon::Info, "status"),
        Level::Warning => ("warning", Icon::Warning, "alert"),
        Level::Danger => ("danger", Icon::Warning, "alert"),
    };
    html! {
        <div {id} class={classes!("notice", class)} {role}>
            { glyph(icon) }
            <p class="notice-text">{ words::notice(notice) }</p>
            if let Some(action) = notice.action {
                <button type="button" class="button small" onclick={on_action.reform(move |_: MouseEvent| action)}>{ words::action(action) }</button>
            }
            if let Some(on_dismiss) = on_dismiss {
                { icon_button(Icon::Close, "Dismiss".into(), on_dismiss.reform(|_: MouseEvent| ())) }
            }
        </div>
    }
}
