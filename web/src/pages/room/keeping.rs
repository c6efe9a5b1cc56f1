//! For how long things are kept: by the founder's word, and on this device.

use client::words::keeping::{
    BYTES, DEVICE_HELP, ENTRIES, FOR_EVERYONE, FOUNDER_HELP, ON_THIS_DEVICE, SECONDS, nearest, retention, vanish,
    vanish_line,
};
use mesh::model::{Retention, Vanish};
use wasm_bindgen::JsCast;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::{
    sheet::{Sheet, title},
    view::RoomViewProps,
};
use crate::{
    components::element::{button, words},
    js,
};

/// What a person wants kept: here, and, as the founder, by everyone if that is to change.
pub type Keep = (Retention, Option<Vanish>);

/// What can be chosen, and how it is.
pub(super) fn keeping(props: &RoomViewProps, heading: &'static str, show: &Callback<Option<Sheet>>) -> Html {
    let (keep, rule) = (props.state.retention, props.state.vanish);
    let onsubmit = {
        let (on_keep, show) = (props.on_keep.clone(), show.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let much = |id, list: &[(u32, &str)]| {
                let place = chosen(id).unwrap_or_default();
                list.get(place).map_or(u32::MAX, |(much, _)| *much)
            };
            let keep = retention(
                much("keep-entries", &ENTRIES),
                much("keep-seconds", &SECONDS),
                much("keep-bytes", &BYTES),
            );
            let after = chosen("keep-rule").and_then(|place| Vanish::ALL.get(place).copied());
            on_keep.emit((keep, after.filter(|after| *after != rule)));
            show.emit(None);
        })
    };
    let now = Vanish::ALL.iter().position(|after| *after == rule);
    let list = |id, label, list: &[(u32, &'static str)], much| {
        let options = list.iter().map(|(_, words)| *words);
        choose((id, label), &mut options.into_iter(), nearest(list, much))
    };
    html! {
        <form class="entry" {onsubmit}>
            { title(heading) }
            if props.founder && !props.state.closed {
                { choose(("keep-rule", FOR_EVERYONE), &mut Vanish::ALL.into_iter().map(vanish), now.unwrap_or_default()) }
                <p class="aside">{ FOUNDER_HELP }</p>
            } else if rule != Vanish::Never {
                { words("p", vanish_line(rule)) }
            }
            { words("h3", ON_THIS_DEVICE) }
            { list("keep-entries", "Messages, at most", &ENTRIES, keep.entries) }
            { list("keep-seconds", "No longer than", &SECONDS, keep.seconds.unwrap_or(u32::MAX)) }
            { list("keep-bytes", "Space, at most", &BYTES, keep.bytes) }
            <p class="aside">{ DEVICE_HELP }</p>
            <button type="submit" class="button primary">{ "Save" }</button>
            { button("button", "Cancel", show.reform(|_: MouseEvent| None)) }
        </form>
    }
}

fn choose(
    (id, label): (&'static str, &'static str),
    options: &mut dyn Iterator<Item = &'static str>,
    now: usize,
) -> Html {
    let options = options.enumerate();
    let options = options.map(|(place, words)| html! { <option selected={place == now}>{ words }</option> });
    html! {
        <label class="field">
            { label }
            <select {id}>{ for options }</select>
        </label>
    }
}

/// Which of a list is chosen, if the list is there.
fn chosen(id: &str) -> Option<usize> {
    let list: HtmlSelectElement = js::document().get_element_by_id(id)?.dyn_into().ok()?;
    usize::try_from(list.selected_index()).ok()
}
