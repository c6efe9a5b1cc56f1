//! The log of the room.

use std::rc::Rc;

use mesh::model::Message;
use wasm_bindgen::prelude::*;
use web_sys::{Element, ResizeObserver};
use yew::prelude::*;

use super::{
    icon::{Icon, glyph},
    message_item::MessageItem,
};
use crate::state::room::{Entry, RoomState};

/// How many messages are in the page before "Show earlier", and how many more each click brings.
const SHOWN: usize = 500;

/// How near the end, in pixels, counts as reading along.
const AT_END_PX: i32 = 80;

/// How soon a message has to follow its author's last one to be shown together with it.
const FOLLOWS_MILLIS: u64 = 3 * 60 * 1000;

/// Properties of [`MessageList`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct MessageListProps {
    /// The room.
    pub state: Rc<RoomState>,
    /// Shown while there is no message.
    pub children: Html,
}

/// The log "Messages". It follows the end while the person reads there, and stays put otherwise.
#[component]
pub fn MessageList(props: &MessageListProps) -> Html {
    let messages = &props.state.messages;
    let list = use_node_ref();
    let at_end = use_mut_ref(|| true);
    let unseen = use_state_eq(|| false);
    let shown = use_state(|| SHOWN);

    let last = messages.last().map(|entry| (entry.message.id, entry.message.own));
    {
        let (list, at_end, unseen) = (list.clone(), at_end.clone(), unseen.clone());
        use_effect_with(last, move |last| {
            if let Some((_, own)) = last {
                if *own || *at_end.borrow() {
                    *at_end.borrow_mut() = true;
                    scroll_to_end(&list);
                } else {
                    unseen.set(true);
                }
            }
        });
    }
    // What came late and stands further up moves the end, too. Who reads elsewhere is kept in place by the browser.
    {
        let (list, at_end) = (list.clone(), at_end.clone());
        use_effect_with(messages.len(), move |_| {
            if *at_end.borrow() {
                scroll_to_end(&list);
            }
        });
    }
    // A keyboard that opens on a phone takes its room from the list, as does a message box that grows.
    {
        let (list, at_end) = (list.clone(), at_end.clone());
        use_effect_with((), move |()| {
            let observed = list.cast::<Element>();
            let on_resize = Closure::<dyn FnMut()>::new(move || {
                if *at_end.borrow() {
                    scroll_to_end(&list);
                }
            });
            let observer = ResizeObserver::new(on_resize.as_ref().unchecked_ref()).ok();
            if let (Some(observer), Some(observed)) = (&observer, &observed) {
                observer.observe(observed);
            }
            move || {
                if let Some(observer) = observer {
                    observer.disconnect();
                }
                drop(on_resize);
            }
        });
    }

    let onscroll = {
        let (list, unseen) = (list.clone(), unseen.clone());
        Callback::from(move |_: Event| {
            let now_at_end = is_at_end(&list);
            *at_end.borrow_mut() = now_at_end;
            if now_at_end {
                unseen.set(false);
            }
        })
    };
    let to_end = {
        let list = list.clone();
        Callback::from(move |_: MouseEvent| scroll_to_end(&list))
    };
    let show_earlier = {
        let shown = shown.clone();
        Callback::from(move |_: MouseEvent| shown.set(*shown + SHOWN))
    };

    let first = messages.len().saturating_sub(*shown);
    let mut before: Option<&Rc<Entry>> = None;
    let items = messages[first..].iter().map(|entry| {
        let follows = before.is_some_and(|before| follows(&before.message, &entry.message));
        before = Some(entry);
        let message = &entry.message;
        html! {
            <MessageItem
                key={message.id.to_text()}
                author={author(&props.state, message)}
                whisper_to={message.whisper_to.map(|peer| AttrValue::from(props.state.name_of(&peer)))}
                {follows}
                entry={entry.clone()}
            />
        }
    });

    html! {
        <div class="messages-frame">
            <div ref={list} class="messages" role="log" aria-label="Messages" tabindex="0" {onscroll}>
                if messages.is_empty() {
                    { props.children.clone() }
                }
                if first > 0 {
                    <button type="button" class="button small earlier" onclick={show_earlier}>{ "Show earlier" }</button>
                } else if props.state.dropped {
                    <p class="earlier">{ "Older messages were removed from this page to save memory." }</p>
                }
                { for items }
            </div>
            if *unseen {
                <button type="button" class="button primary new-messages" onclick={to_end}>
                    { glyph(Icon::Down) }
                    { "New messages" }
                </button>
            }
        </div>
    }
}

/// The name a message was said under, with what tells it from the same name in the room now.
fn author(state: &RoomState, message: &Message) -> AttrValue {
    let now = state.name_of(&message.author);
    // The people list forgets; the message does not.
    if message.own || now.starts_with(message.author_name.as_str()) {
        AttrValue::from(now)
    } else {
        AttrValue::from(message.author_name.clone())
    }
}

fn follows(before: &Message, message: &Message) -> bool {
    before.author == message.author
        && before.author_name == message.author_name
        && before.whisper_to == message.whisper_to
        && before.unix_millis.abs_diff(message.unix_millis) < FOLLOWS_MILLIS
}

fn is_at_end(list: &NodeRef) -> bool {
    list.cast::<Element>()
        .is_none_or(|list| list.scroll_height() - list.scroll_top() - list.client_height() < AT_END_PX)
}

fn scroll_to_end(list: &NodeRef) {
    if let Some(list) = list.cast::<Element>() {
        list.set_scroll_top(list.scroll_height());
    }
}
