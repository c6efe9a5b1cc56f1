//! The one way in which errors and warnings are shown.

use yew::prelude::*;

use super::icon::{Glyph, Icon};
use crate::state::notice::{Level, Notice, NoticeAction};

/// Properties of [`NoticeView`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct NoticeViewProps {
    /// What to say.
    pub notice: Notice,
    /// To tie a field to it.
    #[prop_or_default]
    pub id: Option<AttrValue>,
    /// Called by its button, if the notice has an action.
    #[prop_or_default]
    pub on_action: Callback<NoticeAction>,
    /// Called when the person has read it; without it, the notice stays.
    #[prop_or_default]
    pub on_dismiss: Option<Callback<()>>,
}

/// Shows a notice. It is read out at once by assistive technology: when it is bad, over whatever is being read.
#[component]
pub fn NoticeView(props: &NoticeViewProps) -> Html {
    let Notice { level, text, action } = &props.notice;
    let (class, icon, role) = match level {
        Level::Info => ("info", Icon::Info, "status"),
        Level::Warning => ("warning", Icon::Warning, "alert"),
        Level::Danger => ("danger", Icon::Warning, "alert"),
    };
    let on_action = |action: NoticeAction| {
        let on_action = props.on_action.clone();
        Callback::from(move |_: MouseEvent| on_action.emit(action))
    };
    html! {
        <div id={props.id.clone()} class={classes!("notice", class)} {role}>
            <Glyph {icon} />
            <p class="notice-text">{ text }</p>
            if let Some(action) = *action {
                <button type="button" class="button small" onclick={on_action(action)}>{ action.label() }</button>
            }
            if let Some(on_dismiss) = &props.on_dismiss {
                <button
                    type="button"
                    class="button icon-only"
                    aria-label="Dismiss"
                    title="Dismiss"
                    onclick={on_dismiss.reform(|_: MouseEvent| ())}
                >
                    <Glyph icon={Icon::Close} />
                </button>
            }
        </div>
    }
}
