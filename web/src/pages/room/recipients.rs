//! The sheet that tells who has a message of ours, and who has not.

use client::words::{label, page};
use shared::MessageId;
use yew::prelude::*;

use super::{sheet::title, view::RoomViewProps};
use crate::components::element::{element, words};

/// Who has it, and who has not.
pub(super) fn recipients(props: &RoomViewProps, id: MessageId) -> Html {
    let all = props.recipients.emit(id);
    let those = |heading, has| {
        let those = all.iter().filter(|(_, it_has)| *it_has == has);
        let names: Vec<_> = those.map(|(peer, _)| words("li", props.state.name_of(peer))).collect();
        if names.is_empty() {
            return html! {};
        }
        html! { <>{ words("h3", heading) }{ element("ul", "names", names.into_iter().collect()) }</> }
    };
    html! {
        <>
            { title(label::RECIPIENTS) }
            if all.is_empty() {
                { words("p", page::NOT_FOLLOWED) }
            } else {
                { those(page::HAVE_IT, true) }
                { those(page::HAVE_IT_NOT, false) }
            }
        </>
    }
}
