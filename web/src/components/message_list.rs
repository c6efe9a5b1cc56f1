//! The log of the room.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::Rc,
};

use client::{
    room::{Entry, RoomState, follows},
    text::Mentioned,
    words::{label, page, spoken},
};
use mesh::model::FileInfo;
use shared::MessageId;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlElement, ResizeObserver};
use yew::prelude::*;

use super::{
    day::{Calendar, Day},
    file_card::FileAction,
    icon::{Icon, glyph},
    message_item::{MessageItem, article_id},
    said_of::{answered_by, quote_of, reactions_to},
};
use crate::{
    config::{AT_END_PX, DAY_TICK, MESSAGES_SHOWN, SHOWN_BEFORE},
    hooks::use_tick,
    js,
};

/// Properties of [`MessageList`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct MessageListProps {
    /// The room.
    pub state: Rc<RoomState>,
    /// Something is wanted of a file.
    #[prop_or_default]
    pub on_file: Callback<(FileInfo, FileAction)>,
    /// Called with a message of which is to be told who has it. The same for as long as the room is shown.
    #[prop_or_default]
    pub on_recipients: Callback<MessageId>,
    /// Called with a message and an emoji. The same for as long as the room is shown.
    #[prop_or_default]
    pub on_react: Callback<(MessageId, AttrValue)>,
    /// Called with a message of which is to be told what can be done with it. The same for as long as the room is shown.
    #[prop_or_default]
    pub on_actions: Callback<MessageId>,
    /// Called with a message that the person wants to see in its place. The same for as long as the room is shown.
    #[prop_or_default]
    pub on_goto: Callback<MessageId>,
    /// The message that the person wants to see in its place.
    #[prop_or_default]
    pub goal: Option<Goal>,
    /// Shown while there is no message.
    pub children: Html,
}

/// A message that the person wants to see in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goal {
    /// Which.
    pub id: MessageId,
    /// The how manieth wish this is: the same one can be wanted again.
    pub time: u32,
}

/// The message that the person wants to see last, and what is called with the next.
#[hook]
pub fn use_goto() -> (Option<Goal>, Callback<MessageId>) {
    let goal = use_state(|| None::<Goal>);
    let on_goto = use_callback((), {
        let (goal, times) = (goal.setter(), Cell::new(0_u32));
        move |id, ()| {
            let time = times.get().wrapping_add(1);
            times.set(time);
            goal.set(Some(Goal { id, time }));
        }
    });
    (*goal, on_goto)
}

/// The log "Messages". It follows the end while the person reads there, and stays put otherwise.
#[component]
pub fn MessageList(props: &MessageListProps) -> Html {
    let (messages, ahead) = props.state.messages.split_at(props.state.ahead_from());
    let list = use_node_ref();
    let at_end = use_mut_ref(|| true);
    let unseen = use_state_eq(|| false);
    // How many were heard when the person read there last.
    let heard_before = use_mut_ref(|| 0);
    if *at_end.borrow() {
        *heard_before.borrow_mut() = props.state.heard_count;
    }
    // How many of the earlier ones are left out while the person reads among them; at the end all but the last few are.
    let left_out = use_state_eq(|| None::<usize>);
    use_end(&props.state, messages, &list, &at_end, &unseen);

    // No timer until midnight: it would be late by as long as the machine slept.
    use_tick(true, DAY_TICK);
    let names = use_mut_ref(Rc::<Vec<Mentioned>>::default);
    let around = Around::new(&names);
    let latest = messages.len().saturating_sub(MESSAGES_SHOWN);
    let first = left_out.map_or(latest, |left_out| left_out.min(latest));
    let show_earlier = use_earlier(&list, first, &left_out);
    use_goal(props, messages, first, &left_out);
    let onscroll = {
        let (list, unseen, show_earlier) = (list.clone(), unseen.clone(), show_earlier.clone());
        Callback::from(move |_: Event| {
            let now_at_end = is_at_end(&list);
            *at_end.borrow_mut() = now_at_end;
            if now_at_end {
                unseen.set(false);
                left_out.set(None);
            } else if first > 0 && is_at_start(&list) {
                show_earlier.emit(());
            } else {
                // What comes meanwhile takes nothing away from what is being read.
                left_out.set(Some(first));
            }
        })
    };
    html! {
        <div class="messages-frame">
            <div ref={&list} class="messages" role="log" aria-live="off" aria-label={label::MESSAGES} tabindex="0" {onscroll}>
                if props.state.messages.is_empty() {
                    { props.children.clone() }
                }
                if first > 0 {
                    <button type="button" class="button small earlier" onclick={show_earlier.reform(|_: MouseEvent| ())}>
                        { label::EARLIER_MESSAGES }
                    </button>
                } else if props.state.dropped {
                    <p class="earlier">{ page::OLDER_REMOVED }</p>
                }
                { items(props, &around, &messages[first..], Span { is_first: first == 0, is_last: true }) }
                if !ahead.is_empty() {
                    <details class="ahead">
                        <summary>{ page::dated_ahead(ahead.len()) }</summary>
                        { items(props, &around, ahead, Span::default()) }
                    </details>
                }
            </div>
            { heard(&props.state) }
            if *unseen {
                { to_newest(props.state.heard_count - *heard_before.borrow(), &list) }
            }
        </div>
    }
}

/// The button that leads to the newest messages, of which so many are new.
fn to_newest(new: u64, list: &NodeRef) -> Html {
    let list = list.clone();
    html! {
        <button type="button" class="button primary new-messages" onclick={move |_: MouseEvent| scroll_to_end(&list)}>
            { glyph(Icon::Down) }
            { page::new_messages(new) }
        </button>
    }
}

/// What all messages are shown by.
struct Around<'a> {
    calendar: Calendar,
    /// Who can be mentioned, once somebody may be.
    names: OnceCell<Rc<Vec<Mentioned>>>,
    /// The same as they were last.
    last_names: &'a RefCell<Rc<Vec<Mentioned>>>,
}

impl<'a> Around<'a> {
    fn new(last_names: &'a RefCell<Rc<Vec<Mentioned>>>) -> Self {
        Self {
            calendar: Calendar::default(),
            names: OnceCell::new(),
            last_names,
        }
    }

    /// Who can be mentioned. As long as they stay the same it is the same list, which is compared at once.
    fn names(&self, state: &RoomState) -> Rc<Vec<Mentioned>> {
        let names = self.names.get_or_init(|| {
            let now = state.mentionable();
            let mut last = self.last_names.borrow_mut();
            if **last != now {
                *last = Rc::new(now);
            }
            Rc::clone(&last)
        });
        Rc::clone(names)
    }
}

/// Which part of the messages is shown.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    /// Whether it begins with the first of them.
    is_first: bool,
    /// Whether it ends with the last of them.
    is_last: bool,
}

/// Some of the messages under their days, but for those of people who are muted: in place of these stands how many they are.
fn items(props: &MessageListProps, around: &Around<'_>, messages: &[Rc<Entry>], span: Span) -> Html {
    let state = &props.state;
    let mut before: Option<&Rc<Entry>> = None;
    let mut day: Option<Day> = None;
    let mut hidden = 0;
    let mut items: Vec<Html> = Vec::new();
    let answered = answered_by(state, messages);
    let mut last: Option<&Rc<Entry>> = None;
    for entry in messages {
        let message = &entry.message;
        // Who came before the first that is shown is told with those before it.
        if (span.is_first || last.is_some())
            && let Some(text) = state.comings_between(last.map(|last| &**last), Some(entry))
        {
            items.push(comings(&message.id.to_text(), text));
            before = None;
        }
        last = Some(entry);
        if state.mark_of(&message.author).muted {
            hidden += 1;
            continue;
        }
        let placed = message.order.unix_millis();
        if !day.is_some_and(|day| day.has(placed))
            && let Some(next) = Day::of(placed)
        {
            items.push(around.calendar.separator(&next));
            (day, before) = (Some(next), None);
        }
        let names = message.text.contains('@').then(|| around.names(state));
        let is_first_unread = state.first_unread == Some(message.id);
        if is_first_unread {
            items.push(line("new", "new-from-here", page::NEW_FROM_HERE.into()));
        }
        let follows = !is_first_unread && before.is_some_and(|before| follows(&before.message, message));
        before = Some(entry);
        items.push(html! {
            <MessageItem
                key={message.id.to_text()}
                author={AttrValue::from(state.author_of(message))}
                whisper_to={message.whisper_to.map(|peer| AttrValue::from(state.name_of(&peer)))}
                progress={message.file.as_ref().and_then(|file| state.progress(file))}
                on_file={props.on_file.clone()}
                on_recipients={props.on_recipients.clone()}
                quote={quote_of(state, entry, &answered)}
                reactions={reactions_to(state, entry)}
                on_react={props.on_react.clone()}
                on_goto={props.on_goto.clone()}
                on_actions={props.on_actions.clone()}
                {follows}
                same_day={day.is_some_and(|day| day.has(message.unix_millis))}
                {names}
                entry={entry.clone()}
            />
        });
    }
    if span.is_last
        && let Some(text) = state.comings_between(last.map(|last| &**last), None)
    {
        items.push(comings("end", text));
    }
    if hidden > 0 {
        items.push(line("muted", "earlier", page::muted(hidden).into()));
    }
    items.into_iter().collect()
}

/// Who came and went before the message of this id.
fn comings(next: &str, text: String) -> Html {
    html! { <p key={format!("c-{next}")} class="earlier">{ text }</p> }
}

/// A line between messages.
fn line(key: &'static str, class: &'static str, text: AttrValue) -> Html {
    html! { <p {key} {class}>{ text }</p> }
}

/// Shows some more of the earlier messages, of which the first so many are left out. What the person reads stays where it is.
#[hook]
fn use_earlier(list: &NodeRef, first: usize, left_out: &UseStateHandle<Option<usize>>) -> Callback<()> {
    let below = use_mut_ref(|| None::<i32>);
    {
        let (list, below) = (list.clone(), below.clone());
        use_effect_with(first, move |_| {
            if let (Some(list), Some(below)) = (list.cast::<Element>(), below.take()) {
                list.set_scroll_top(list.scroll_height() - below);
            }
        });
    }
    let (list, left_out) = (list.clone(), left_out.setter());
    Callback::from(move |()| {
        let list = list.cast::<Element>();
        *below.borrow_mut() = list.map(|list| list.scroll_height() - list.scroll_top());
        left_out.set(Some(first.saturating_sub(MESSAGES_SHOWN)));
    })
}

/// Shows the message that the person wants to see, with some of those before it, and moves the cursor there.
#[hook]
fn use_goal(props: &MessageListProps, messages: &[Rc<Entry>], first: usize, left_out: &UseStateHandle<Option<usize>>) {
    let reached = use_mut_ref(|| None::<Goal>);
    let place = props
        .goal
        .filter(|goal| *reached.borrow() != Some(*goal))
        .and_then(|goal| messages.iter().rposition(|entry| entry.message.id == goal.id));
    let left_out = left_out.setter();
    use_effect_with((props.goal, first), move |(goal, first)| {
        let Some(goal) = goal.filter(|goal| *reached.borrow() != Some(*goal)) else {
            return;
        };
        if let Some(place) = place.filter(|place| place < first) {
            left_out.set(Some(place.saturating_sub(SHOWN_BEFORE)));
            return;
        }
        *reached.borrow_mut() = Some(goal);
        let element = js::document().get_element_by_id(&article_id(&goal.id));
        if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            if let Ok(Some(details)) = element.closest("details.ahead") {
                // Fails only for what cannot be an attribute.
                let _ = details.set_attribute("open", "");
            }
            let _ = element.focus();
            element.scroll_into_view();
        }
    });
}

/// Says aloud what others say from now on, once, wherever its place is. The log itself is silent: it would also read out what was
/// said before one came, and every change of a message.
fn heard(state: &RoomState) -> Html {
    let line = |id: &MessageId| {
        // Backwards: what came is mostly the latest.
        let entry = state.messages.iter().rfind(|entry| entry.message.id == *id)?;
        let message = &entry.message;
        let is_muted = state.mark_of(&message.author).muted;
        (!is_muted && !message.deleted).then(|| {
            // As it was said: who changes it does not say it again.
            let first = entry.original.as_deref().unwrap_or(&message.text);
            let said = spoken(&state.author_of(message), message, first);
            html! { <span key={id.to_text()}>{ said }{ "\n" }</span> }
        })
    };
    html! { <p class="visually-hidden" aria-live="polite">{ for state.heard.iter().filter_map(line) }</p> }
}

/// Keeps the end of the list in view while the person reads there (`at_end`), and notes what they have not seen.
#[hook]
fn use_end(
    state: &RoomState,
    messages: &[Rc<Entry>],
    list: &NodeRef,
    at_end: &Rc<RefCell<bool>>,
    unseen: &UseStateHandle<bool>,
) {
    let is_shown = |entry: &&Rc<Entry>| !state.mark_of(&entry.message.author).muted;
    let last = messages.iter().rfind(is_shown);
    let last = last.map(|entry| (entry.message.id, entry.message.own));
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
    let observed = list.clone();
    let (list, at_end) = (list.clone(), at_end.clone());
    // An empty room is read from its beginning.
    let follow = move || {
        if *at_end.borrow() && has_messages(&list) {
            scroll_to_end(&list);
        }
    };
    // What came late and stands further up moves the end, too. Who reads elsewhere is kept in place by the browser.
    {
        let follow = follow.clone();
        use_effect_with((messages.len(), state.comings_count()), move |_| follow());
    }
    // A keyboard that opens on a phone takes its room from the list, as does a message box that grows.
    use_effect_with((), move |()| {
        let observed = observed.cast::<Element>();
        let on_resize = Closure::<dyn FnMut()>::new(follow);
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

fn is_at_end(list: &NodeRef) -> bool {
    list.cast::<Element>()
        .is_none_or(|list| list.scroll_height() - list.scroll_top() - list.client_height() < AT_END_PX)
}

fn is_at_start(list: &NodeRef) -> bool {
    list.cast::<Element>().is_some_and(|list| list.scroll_top() < AT_END_PX)
}

fn has_messages(list: &NodeRef) -> bool {
    let list = list.cast::<Element>();
    list.is_some_and(|list| list.query_selector("article").is_ok_and(|first| first.is_some()))
}

fn scroll_to_end(list: &NodeRef) {
    if let Some(list) = list.cast::<Element>() {
        list.set_scroll_top(list.scroll_height());
    }
}
