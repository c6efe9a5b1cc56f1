//! What is offered over the message box while somebody types: names after `@`, emoji after `:`.
//!
//! The cursor stays in the box, which names what is chosen (ARIA Authoring Practices, "Editable Combobox With List Autocomplete"; a box of several lines has the role of
//! a text box and the same properties). What is offered is found anew at each change of the text, and held where keys find it before it is drawn.

use std::{cell::RefCell, rc::Rc};

use client::{
    text::{Completion, complete, typed_emoji},
    words::{label, page},
};
use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use crate::later::{Part, here};

/// What is offered, and which of it is chosen.
#[derive(Debug)]
pub(super) struct Offered {
    completion: Completion,
    chosen: usize,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub(super) struct Suggestions {
    /// What is offered now.
    pub(super) offered: Rc<RefCell<Option<Offered>>>,
    /// The box.
    pub(super) node: NodeRef,
    /// Gives the names of those who can be mentioned.
    pub(super) people: Callback<(), Vec<String>>,
    /// Called with the text of the box after something was put into it, and with nothing when only what is offered has changed.
    pub(super) on_change: Callback<Option<String>>,
}

impl Suggestions {
    /// The text has changed, or the cursor has moved.
    pub(super) fn look(&self) {
        if let Some(part) = here() {
            later_look(part, self);
        }
    }

    fn offer(&self) {
        let Some((before, _)) = self.around_cursor() else {
            return self.hide();
        };
        if let Some((replaces, emoji)) = typed_emoji(&before) {
            return self.put(replaces, emoji);
        }
        let completion = complete(&before, || self.people.emit(()));
        let offered = completion.map(|completion| Offered { completion, chosen: 0 });
        let is_changed = offered.is_some() || self.offered.borrow().is_some();
        *self.offered.borrow_mut() = offered;
        if is_changed {
            self.on_change.emit(None);
        }
    }

    /// Offers nothing until the text changes.
    pub(super) fn hide(&self) {
        if self.offered.take().is_some() {
            self.on_change.emit(None);
        }
    }

    /// Does what a key means for what is offered. Says whether it means something.
    pub(super) fn takes(&self, event: &KeyboardEvent) -> bool {
        let Some((count, chosen)) = self.state() else {
            return false;
        };
        match event.key().as_str() {
            "ArrowDown" => self.choose((chosen + 1) % count),
            "ArrowUp" => self.choose((chosen + count - 1) % count),
            "Enter" | "Tab" if !event.shift_key() => self.take(chosen),
            "Escape" => self.hide(),
            _ => {
                // The cursor may go elsewhere. Where something is typed, it is looked again.
                self.hide();
                return false;
            }
        }
        event.prevent_default();
        true
    }

    /// How much is offered, and which of it is chosen.
    fn state(&self) -> Option<(usize, usize)> {
        let offered = self.offered.borrow();
        let Offered { completion, chosen } = offered.as_ref()?;
        Some((completion.offers.len(), *chosen))
    }

    fn choose(&self, place: usize) {
        if let Some(offered) = &mut *self.offered.borrow_mut() {
            offered.chosen = place;
        }
        self.on_change.emit(None);
    }

    fn take(&self, place: usize) {
        let offered = self.offered.take();
        let taken = offered.and_then(|Offered { completion, .. }| {
            let offer = completion.offers.into_iter().nth(place)?;
            Some((completion.replaces, offer.text))
        });
        if let Some((replaces, text)) = taken {
            self.put(replaces, &text);
        }
    }

    /// Puts a text into the box, in the place of so many characters before the cursor.
    fn put(&self, replaces: usize, text: &str) {
        let (Some(node), Some((before, after))) = (self.node.cast::<HtmlTextAreaElement>(), self.around_cursor())
        else {
            return;
        };
        self.offered.take();
        let start = before
            .char_indices()
            .rev()
            .nth(replaces - 1)
            .map_or(0, |(start, _)| start);
        let before = before[..start].to_owned() + text;
        let units = before.chars().map(char::len_utf16).sum::<usize>();
        let all = before + &after;
        node.set_value(&all);
        let cursor = u32::try_from(units).unwrap_or(u32::MAX);
        // Fails only for elements that have no text.
        let _ = node.set_selection_range(cursor, cursor);
        self.on_change.emit(Some(all));
    }

    /// The text before and after the cursor.
    fn around_cursor(&self) -> Option<(String, String)> {
        let node = self.node.cast::<HtmlTextAreaElement>()?;
        let cursor = node.selection_end().ok().flatten()?;
        let text = node.value();
        let mut units = 0;
        let is_before = |char: &char| {
            units += char.len_utf16();
            units <= cursor as usize
        };
        let bytes = text.chars().take_while(is_before).map(char::len_utf8).sum();
        let (before, after) = text.split_at(bytes);
        Some((before.to_owned(), after.to_owned()))
    }

    /// The id of the list, and of what is chosen in it, while something is offered.
    pub(super) fn ids(&self) -> Option<(&'static str, String)> {
        self.state().map(|(_, chosen)| (LIST, option_id(chosen)))
    }

    /// The list.
    pub(super) fn view(self: &Rc<Self>) -> Html {
        here().map_or_else(Html::default, |part| later_list(part, self))
    }

    fn list(self: &Rc<Self>) -> Html {
        let offered = self.offered.borrow();
        let offers = offered.as_ref().map_or(&[][..], |offered| &offered.completion.offers);
        let option = |(place, offer): (usize, &client::text::Offer)| {
            let this = Rc::clone(self);
            let onclick = Callback::from(move |_: MouseEvent| this.take(place));
            let is_chosen = offered.as_ref().is_some_and(|offered| offered.chosen == place);
            html! {
                <li id={option_id(place)} role="option" class="menu-item" aria-selected={is_chosen.to_string()} {onclick}>
                    <bdi>{ offer.shown.clone() }</bdi>
                </li>
            }
        };
        html! {
            <>
                <p class="visually-hidden" aria-live="polite">{ (!offers.is_empty()).then(|| page::offered(offers.len())) }</p>
                if !offers.is_empty() {
                    // The cursor stays in the box.
                    <ul id={LIST} role="listbox" class="suggestions" aria-label={label::SUGGESTIONS} onmousedown={|event: MouseEvent| event.prevent_default()}>
                        { for offers.iter().enumerate().map(option) }
                    </ul>
                }
            </>
        }
    }
}

#[inline(never)]
fn later_look(_: Part, suggestions: &Suggestions) {
    suggestions.offer();
}

#[inline(never)]
fn later_list(_: Part, suggestions: &Rc<Suggestions>) -> Html {
    suggestions.list()
}

const LIST: &str = "suggestions";

fn option_id(place: usize) -> String {
    format!("suggestion-{place}")
}
