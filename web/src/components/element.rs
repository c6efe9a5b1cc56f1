//! The plainest parts, for long texts and tables: what `html!` would write out anew at each place is compiled here once.

use yew::prelude::*;

/// An element with a class, if it has one (else `""`), and what is in it.
pub fn element(tag: &'static str, class: &'static str, content: Html) -> Html {
    html! { <@{tag} {class}>{ content }</@> }
}

/// An element with nothing but text in it.
pub fn words(tag: &'static str, text: impl Into<AttrValue>) -> Html {
    element(tag, "", yew::virtual_dom::VText::new(text.into()).into())
}

/// A button with words on it.
pub fn button(class: &'static str, label: &'static str, onclick: Callback<MouseEvent>) -> Html {
    html! { <button type="button" {class} {onclick}>{ label }</button> }
}
